//! From where the text of a result comes: what a conversation has heard by it, and what its client is told of it.

use capfile::{TextSource, TextSources};
use mcp_types::meta;
use mcp_wire::{Message, Object};
use serde_json::Value;

use crate::access::Talk;
use crate::mcp::{Door, Mcp};
use crate::registry::Declared;

/// The sources of a result of MCP: what its server says of them, as far as it is believed, else what it has declared.
pub(super) fn of_result(result: &Object<'_>, declared: &Declared) -> TextSources {
    let said = || {
        let metadata = Object::parse(result.get("_meta")?.get()).ok()?;
        let names: Vec<String> = serde_json::from_str(metadata.get(meta::TEXT_FROM)?.get()).ok()?;
        names.iter().map(|name| TextSource::named(name)).collect::<Option<TextSources>>()
    };
    let said = declared.narrows.then(said).flatten();
    said.map_or(declared.text_from, |said| narrowed(said, declared))
}

/// Who declares nothing in particular may say anything.
fn narrowed(said: TextSources, declared: &Declared) -> TextSources {
    let unspecific = declared.text_from == TextSource::Server.into();
    if unspecific { said } else { said.within(declared.text_from) }
}

/// The sources of a reply of MCP.
pub(super) fn of_reply(reply: &str, declared: &Declared) -> TextSources {
    let result = || {
        let Ok(Message::Response(response)) = Message::parse(reply) else { return None };
        Some(of_result(&Object::parse(response.outcome.ok()?.get()).ok()?, declared))
    };
    result().unwrap_or(declared.text_from)
}

/// The sources that a result names which we have passed on before.
pub(super) fn told(result: &Object<'_>) -> TextSources {
    let names = || {
        let metadata = Object::parse(result.get("_meta")?.get()).ok()?;
        serde_json::from_str::<Vec<String>>(metadata.get(meta::UNTRUSTED)?.get()).ok()
    };
    names().unwrap_or_default().iter().filter_map(|name| TextSource::named(name)).collect()
}

/// The names of sources, as JSON text.
pub(super) fn names(sources: TextSources) -> String {
    sources.iter().map(TextSource::name).collect::<Value>().to_string()
}

impl Mcp {
    /// Notes that a client is about to get text of these sources.
    pub(super) async fn heard(&self, door: &Door<'_>, sources: TextSources) {
        let (client, talk) = (door.client.name(), &door.talk);
        let conversations = self.access.conversations();
        if !conversations.is_news(client, talk, sources) {
            return conversations.note(client, talk, sources);
        }
        let (all, client, talk): (_, _, Talk) =
            (conversations.clone(), client.clone(), talk.clone());
        let kept = tokio::task::spawn_blocking(move || all.note(&client, &talk, sources));
        if kept.await.is_err() {
            tracing::error!("what a conversation has read could not be noted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text_from: &[TextSource], narrows: bool) -> Declared {
        Declared {
            name: "mcp.a.b".into(),
            read_only: true,
            on_paths: false,
            spends: Vec::new(),
            text_from: text_from.iter().copied().collect(),
            narrows,
            described_by: TextSources::NONE,
        }
    }

    #[test]
    fn a_trusted_server_may_say_less_than_it_has_declared_and_never_more() {
        let check = |declared: &Declared, result: &str, expected: &[TextSource]| {
            let reply = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
            let expected: TextSources = expected.iter().copied().collect();
            assert_eq!(of_reply(&reply, declared), expected, "{result}");
        };
        let said = |names: &str| format!(r#"{{"_meta":{{"{}":{names}}}}}"#, meta::TEXT_FROM);
        let mail = declared(&[TextSource::Mail, TextSource::Web], true);
        let both = [TextSource::Mail, TextSource::Web];
        check(&mail, "{}", &both);
        check(&mail, &said("[]"), &[]);
        check(&mail, &said(r#"["web"]"#), &[TextSource::Web]);
        check(&mail, &said(r#"["web","file"]"#), &[TextSource::Web]);
        for strange in [r#"["nowhere"]"#, "1", "{}", "[1]"] {
            check(&mail, &said(strange), &both);
        }
        let stranger = declared(&[TextSource::Server], false);
        check(&stranger, &said("[]"), &[TextSource::Server]);
        let open = declared(&[TextSource::Server], true);
        check(&open, &said(r#"["file"]"#), &[TextSource::File]);
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#;
        assert_eq!(of_reply(error, &mail), mail.text_from);
    }
}
