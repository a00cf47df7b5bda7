//! `status`: whether the gateway can be used, and how the machine is that this shell runs on.

use approvals::tools::{Status, Tool};
use health::{Finding, Level};
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::catalogue::Catalogue;
use crate::escape;
use crate::failure::Failure;
use crate::limits::STATUS_WAIT;
use crate::output;
use crate::session::Patience;
use crate::shell::Shell;
use crate::view;

/// What the methods begin with by which the gateway has calls answered.
const APPROVALS: &str = "mcp.approvals.";

/// What each method of the gateway itself begins with; whatever else there is comes from a capability server.
const GATEWAYS_OWN: [&str; 2] = ["mcp.hello", "mcp.listCapabilities"];

impl Shell {
    /// Shows what is wrong and what to do, and fails if anything is.
    pub(crate) async fn status(&self) -> Result<(), Failure> {
        let mut findings = vec![self.gateway().await];
        // What is known of another machine is what its gateway says.
        if self.session.is_local() {
            findings.extend(spawn_blocking(health::examine).await.unwrap_or_default());
        }
        if self.output.json {
            self.output.value(&json!(findings))?;
        } else {
            output::line(&view::findings(&findings, self.output.colours))?;
        }
        match findings.iter().filter(|finding| finding.level == Level::Bad).count() {
            0 => Ok(()),
            count => Err(Failure::Unwell(count)),
        }
    }

    async fn gateway(&self) -> Finding {
        let target = escape::line(&self.session.target());
        let about = "connection";
        if let Err(reason) = self.session.connect(Patience::Once).await {
            let remedy = if self.session.is_local() {
                "If the gateway or a disk is named below, begin there; else start it (on the appliance, as root: \
                 `systemctl start llmbasedos-gateway.socket`)"
            } else {
                "Look whether the other machine runs and can be reached, and run `status` there"
            };
            return Finding::bad(about, format!("{target}: {reason}"), remedy);
        }
        let asked = timeout(STATUS_WAIT, self.session.catalogue()).await;
        match asked.unwrap_or(Err(Failure::NotConnected(format!(
            "no answer within {} seconds",
            STATUS_WAIT.as_secs()
        )))) {
            Ok(catalogue) => offers(&target, &catalogue),
            Err(reason @ Failure::NotConnected(_)) => Finding::bad(
                about,
                format!("{target} takes the connection, and no call: {reason}"),
                "If the gateway is named below, begin there; else ask again in a moment, since it may be starting",
            ),
            Err(reason) => Finding::bad(
                about,
                format!("{target} takes the connection, and no call: {reason}"),
                "If it is the key, set the right one as LLMBASEDOS_KEY; else `connect` tries again",
            ),
        }
    }
}

fn offers(target: &str, catalogue: &Catalogue) -> Finding {
    let names = catalogue.methods().iter().map(|method| method.name.as_str());
    let mut servers: Vec<_> = names
        .filter(|name| !GATEWAYS_OWN.contains(name) && *name != crate::shell::LICENCE_CHECK)
        .filter(|name| !name.starts_with(APPROVALS) && *name != Status::METHOD)
        .map(|name| name.strip_prefix("mcp.").unwrap_or(name))
        .map(|name| name.split_once('.').map_or(name, |(server, _)| server))
        .map(escape::line)
        .collect();
    servers.sort_unstable();
    servers.dedup();
    if servers.is_empty() {
        return Finding::bad(
            "connection",
            format!("{target} answers, and has nothing to offer"),
            "No capability server is registered: on the appliance their *.cap.json files belong into /run/mcp, and \
             `systemd-tmpfiles --create`, as root, puts them there",
        );
    }
    Finding::good("connection", format!("{target} answers and offers {}", servers.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::example;

    #[test]
    fn a_gateway_with_servers_names_them() {
        let finding = offers("unix:/g", &example());
        assert_eq!(finding.level, Level::Good);
        assert_eq!(finding.what, "unix:/g answers and offers fs, old");
    }

    #[test]
    fn what_a_daemon_says_of_files_that_it_refuses_is_known() {
        // Either stands alone: what looks at the machine needs nothing of ours.
        assert_eq!(health::REFUSED, settings::REFUSED);
    }

    #[test]
    fn a_gateway_without_servers_is_no_use() {
        let own = ["mcp.hello", "mcp.approvals.list", "mcp.approval.status"];
        let nothing = json!([{ "capabilities": own.map(|method| json!({ "method": method })) }]);
        let finding = offers("unix:/g", &Catalogue::read(&nothing));
        assert_eq!(finding.level, Level::Bad);
        assert!(finding.remedy.unwrap().contains("/run/mcp"));
    }
}
