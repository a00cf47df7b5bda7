//! HashiCorp Vault's KV secrets engine, version 2, over its HTTP API.

mod answer;
mod config;
mod tls;

use std::error::Error as _;
use std::iter;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use tokio::time::timeout;
use zeroize::Zeroizing;

pub use config::{VaultAddress, VaultAddressError, VaultConfig};

use crate::error::{Reason, ResolverError};
use crate::limits::{MAX_ANSWER_BYTES, VAULT_ANSWER, VAULT_CONNECT};
use crate::local::Local;
use crate::reference::VaultPlace;
use crate::secret::Secret;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// A Vault agent can ask for it, so that no web page makes a browser send it a request.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// A Vault, and what is needed to ask it.
pub(crate) struct Vault {
    http: Client,
    address: Url,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({})", self.address)
    }
}

impl Vault {
    /// Prepares for it; nothing is sent yet.
    pub(crate) fn new(config: &VaultConfig, local: &Local) -> Result<Self, ResolverError> {
        let token = local.resolve(&config.token)?;
        let mut token = HeaderValue::from_bytes(token.expose())
            .map_err(|_| ResolverError::TokenForm(config.token.to_string()))?;
        // No log of the libraries below shows it.
        token.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(TOKEN, token);
        headers.insert(REQUEST, HeaderValue::from_static("true"));
        if let Some(namespace) = &config.namespace {
            let namespace =
                HeaderValue::try_from(namespace).map_err(|_| ResolverError::Namespace)?;
            headers.insert(NAMESPACE, namespace);
        }
        let mut http = Client::builder()
            .default_headers(headers)
            // The token goes to the address that was given, and to no other.
            .redirect(Policy::none())
            .connect_timeout(VAULT_CONNECT)
            // Secrets are asked for at a start and seldom after: no connection is kept.
            .pool_max_idle_per_host(0)
            .dns_resolver(names::Names)
            .tls_backend_preconfigured(tls::config(config)?);
        if config.address.is_loopback() {
            // A proxy's `localhost` is another machine.
            http = http.no_proxy();
        }
        let tls = |error: reqwest::Error| ResolverError::Tls(error.without_url().to_string());
        let http = http.build().map_err(tls)?;
        Ok(Self { http, address: config.address.url().clone() })
    }

    /// Fetches a field.
    pub(crate) async fn resolve(&self, place: &VaultPlace) -> Result<Secret, Reason> {
        let asked = async {
            let response = self.http.get(self.url(place)?).send().await.map_err(|e| reach(&e))?;
            let status = response.status();
            answer::field(status, &body(response).await?, &place.field)
        };
        timeout(VAULT_ANSWER, asked).await.unwrap_or(Err(Reason::Slow))
    }

    /// `ADDRESS/v1/MOUNT/data/PATH`, each name escaped.
    fn url(&self, place: &VaultPlace) -> Result<Url, Reason> {
        let mut url = self.address.clone();
        {
            // An address has a host, so that it has a path.
            let mut path = url.path_segments_mut().map_err(|()| Reason::NotVault)?;
            let names = |names: &'_ [String]| names.to_vec();
            path.pop_if_empty().push("v1").extend(names(&place.mount));
            path.extend(iter::once("data")).extend(names(&place.path));
        }
        if let Some(version) = place.version {
            url.query_pairs_mut().append_pair("version", &version.to_string());
        }
        Ok(url)
    }
}

/// The body of an answer, if it is not too long.
async fn body(mut response: Response) -> Result<Zeroizing<Vec<u8>>, Reason> {
    let announced = response.content_length().unwrap_or(0);
    if announced > MAX_ANSWER_BYTES as u64 {
        return Err(Reason::AnswerTooLarge);
    }
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(|error| reach(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(Reason::AnswerTooLarge);
        }
        let grown = Zeroizing::new([&body, chunk.as_ref()].concat());
        // The buffer that it replaces is overwritten, which one that grows by itself is not.
        body = grown;
    }
    Ok(body)
}

/// Why there is no answer: the innermost cause, which says most. No cause holds a header, and the URL is left out.
fn reach(error: &reqwest::Error) -> Reason {
    if error.is_timeout() {
        return Reason::Slow;
    }
    let causes = iter::successors(error.source(), |&cause| cause.source());
    let cause = causes.last().map_or_else(|| "no connection".to_owned(), ToString::to_string);
    Reason::Unreachable(cause)
}
