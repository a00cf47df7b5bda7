//! Which method does what.

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use mcp_wire::{RpcError, code};
use serde_json::{Value, json};

use crate::call::{Call, invalid};
use crate::connection::locked;
use crate::declare::{self, Offers};
use crate::seal::Seal;
use crate::{complete, content, prompts, resources, tools};

/// The one revision that is spoken here.
const REVISION: &str = "2026-07-28";

/// The server.
pub(crate) struct Fixture {
    pub(crate) seal: Seal,
    offers: Mutex<Offers>,
    cap_file: PathBuf,
}

impl Fixture {
    /// Writes the cap file.
    pub(crate) fn new(cap_file: PathBuf) -> io::Result<Self> {
        let offers = Offers::default();
        declare::write_cap_file(&cap_file, offers)?;
        Ok(Self { seal: Seal::default(), offers: Mutex::new(offers), cap_file })
    }

    /// What comes and goes, as it is now.
    pub(crate) fn offers(&self) -> Offers {
        *locked(&self.offers)
    }

    /// Changes that, and tells the gateway through the cap file.
    pub(crate) fn change(&self, edit: impl FnOnce(&mut Offers)) -> io::Result<()> {
        // The lock is held for as long as the file is written, so that the file is never older than what is known here.
        let mut offers = locked(&self.offers);
        let mut new = *offers;
        edit(&mut new);
        declare::write_cap_file(&self.cap_file, new)?;
        *offers = new;
        Ok(())
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, method: &str, call: &Call) -> Result<Value, RpcError> {
        check_metadata(call)?;
        let mut result = match method {
            "server/discover" => Ok(discover()),
            "tools/list" => Ok(content::cacheable("tools", &declare::tools(self.offers()).into())),
            "prompts/list" => {
                Ok(content::cacheable("prompts", &prompts::declared(self.offers().prompt)))
            }
            "resources/list" => Ok(resources::list()),
            "resources/templates/list" => Ok(resources::templates()),
            "tools/call" => tools::call(self, call).await,
            "prompts/get" => prompts::get(self, call),
            "resources/read" => resources::read(call),
            "completion/complete" => complete::complete(call),
            _ => Err(RpcError::new(code::METHOD_NOT_FOUND, format!("there is no `{method}`"))),
        }?;
        let info = json!({ "name": "conformance", "version": env!("CARGO_PKG_VERSION") });
        result["_meta"]["io.modelcontextprotocol/serverInfo"] = info;
        Ok(result)
    }
}

/// Checks what every request of this era must say.
fn check_metadata(call: &Call) -> Result<(), RpcError> {
    let Some(revision) = call.metadata("protocolVersion").as_str() else {
        return Err(invalid("`_meta` must say the protocol version"));
    };
    if revision != REVISION {
        let data = json!({ "supported": [REVISION], "requested": revision });
        let text = "unsupported protocol version";
        return Err(RpcError::new(code::UNSUPPORTED_PROTOCOL_VERSION, text).with_data(data));
    }
    if !call.metadata("clientCapabilities").is_object() {
        return Err(invalid("`_meta` must say the client's capabilities"));
    }
    Ok(())
}

fn discover() -> Value {
    let mut result = content::cacheable("supportedVersions", &json!([REVISION]));
    result["capabilities"] = json!({
        "tools": {}, "prompts": {}, "resources": {}, "completions": {}, "logging": {},
    });
    result["instructions"] = "The fixture of the conformance suite.".into();
    result
}
