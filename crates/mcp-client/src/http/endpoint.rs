//! One server that speaks Streamable HTTP.

use mcp_wire::error_reply;
use names::Names;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};
use tokio::sync::mpsc;

use crate::error::ConnectError;
use crate::http::answer::Answer;
use crate::http::head::Head;
use crate::http::refusal;
use crate::http::session::Session;
use crate::key::Key;
use crate::limits::{CLOSE, CONNECT, IDLE, KEEP_ALIVE, NOTIFICATION};
use crate::target::Target;
use crate::tls;
use crate::trust::Trust;

/// A server, and what is needed to send it a message.
#[derive(Debug)]
pub(crate) struct Endpoint {
    http: Client,
    url: Url,
    /// The address as it may be shown.
    target: String,
    session: Session,
}

/// Prepares for a server; nothing is sent yet.
pub(crate) fn endpoint(
    target: &Target,
    url: &Url,
    key: Option<&Key>,
    trust: &Trust,
) -> Result<Endpoint, ConnectError> {
    let other = |reason: String| ConnectError::Other { target: target.to_string(), reason };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if let Some(key) = key {
        headers.insert(AUTHORIZATION, key.bearer()?);
    }
    let tls = if url.scheme() == "https" { tls::config(trust) } else { tls::unused() };
    let mut http = Client::builder()
        .default_headers(headers)
        // The key goes to the address that was given, and to no other.
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .tcp_keepalive(KEEP_ALIVE)
        .tcp_nodelay(true)
        .dns_resolver(Names)
        .tls_backend_preconfigured(tls.map_err(|error| other(error.to_string()))?);
    if target.is_local() {
        // A proxy's `localhost` is another machine.
        http = http.no_proxy();
    }
    let http = http.build().map_err(|error| other(error.without_url().to_string()))?;
    let (url, target) = (url.clone(), target.to_string());
    Ok(Endpoint { http, url, target, session: Session::default() })
}

impl Endpoint {
    /// Sends a request and passes on all that is answered; the last of it is the reply, whatever happens.
    pub(super) async fn request(
        &self,
        head: &Head,
        id: &str,
        text: String,
        incoming: &mpsc::Sender<String>,
    ) {
        let reply = match self.post(head, text).send().await {
            Err(error) => Err(refusal::transport(&self.target, &error)),
            Ok(response) => {
                let headers = head.is_initialize().then(|| response.headers().clone());
                let answer = Answer { target: &self.target, id, incoming };
                let reply = answer.read(response).await;
                if let (Some(headers), Ok(reply)) = (headers, &reply) {
                    self.session.learn(&headers, reply);
                }
                reply
            }
        };
        let reply = reply.unwrap_or_else(|error| {
            let raw = serde_json::value::RawValue::from_string(id.to_owned()).ok();
            let id = raw.as_deref().and_then(mcp_wire::Id::new);
            String::from_utf8_lossy(&error_reply(id, &error)).into_owned()
        });
        // A link whose receiver is gone is ended from there.
        incoming.send(reply).await.ok();
    }

    /// Sends what has no answer.
    pub(super) async fn note(&self, head: &Head, text: String) {
        let sent = self.post(head, text).timeout(NOTIFICATION).send().await;
        let refused = sent.and_then(reqwest::Response::error_for_status).err();
        if let Some(error) = refused {
            let status = error.status().map(|status| status.as_u16());
            tracing::warn!(status, "a notification was not taken");
        }
    }

    /// Tells a server of the older era that it need keep nothing for us any more.
    pub(super) async fn end_session(&self) {
        if self.session.is_kept() {
            let end = self.http.delete(self.url.clone()).headers(self.session.headers());
            // A server that cannot be told forgets us by itself.
            end.timeout(CLOSE).send().await.ok();
        }
    }

    fn post(&self, head: &Head, text: String) -> RequestBuilder {
        let headers = match head.modern() {
            Some(headers) => headers.clone(),
            None if head.is_initialize() => HeaderMap::new(),
            None => self.session.headers(),
        };
        self.http.post(self.url.clone()).headers(headers).body(text)
    }
}
