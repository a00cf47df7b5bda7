//! What waits for a person, and what comes of it.

use serde_json::{Value, json};

use crate::OWNERS;
use crate::case::Carrier;
use crate::host::{Host, Way};
use crate::stage::Stage;

const SEND: &str = "outside_mail_send";

fn mail(body: &str) -> Value {
    json!({ "account": "private", "to": ["mallory@evil.example"], "subject": "s", "body": body })
}

fn is_refused(reply: &Value) -> bool {
    reply["result"]["isError"] == true || !reply["error"].is_null()
}

#[test]
fn what_a_person_approves_is_sent_once_and_then_asked_again() {
    let stage = Stage::new(OWNERS);
    stage.put(Carrier::Mail, "mail", "hello");
    for (at, way) in Way::PROGRAMS.into_iter().enumerate() {
        let (_, key) = stage.client(way);
        let mut host = Host::new(&stage.appliance, way, &key);
        Stage::read(&mut host, Carrier::Mail, "mail");
        let mail = mail(&format!("approved {at}"));
        assert!(is_refused(&host.call(SEND, &mail)), "{way:?}");
        let waiting = stage.pending();
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        let mut person = Host::new(&stage.appliance, Way::Person, "");
        let reply = person.call("approvals_approve", &json!({ "id": waiting[0]["id"] }));
        assert_eq!(reply["result"]["isError"], false, "{reply}");
        let reply = host.call(SEND, &mail);
        assert!(!is_refused(&reply), "{way:?}: {reply}");
        assert!(is_refused(&host.call(SEND, &mail)), "{way:?}: a grant is used once");
        let sent = stage.appliance.world().ledger();
        assert_eq!((sent.len(), &sent[at].arguments), (at + 1, &mail), "{way:?}");
        stage.deny_all();
    }
}

#[test]
fn a_model_cannot_answer_for_a_person() {
    let stage = Stage::new(OWNERS);
    stage.put(Carrier::Mail, "mail", "hello");
    for way in Way::PROGRAMS {
        let (_, key) = stage.client(way);
        let mail = mail(&format!("by {way:?}"));
        let mut host = Host::new(&stage.appliance, way, &key);
        Stage::read(&mut host, Carrier::Mail, "mail");
        assert!(is_refused(&host.call(SEND, &mail)), "{way:?}");
        let waiting = stage.pending();
        let id = json!({ "id": waiting[0]["id"] });
        for tool in ["approvals_approve", "approvals_always", "approvals_deny", "approvals_list"] {
            let arguments = if tool == "approvals_list" { json!({}) } else { id.clone() };
            let reply = host.call(tool, &arguments);
            assert!(is_refused(&reply), "{way:?} {tool}: {reply}");
        }
        assert!(is_refused(&host.call(SEND, &mail)), "{way:?}");
        assert_eq!(stage.pending().len(), 1, "{way:?}");
        assert!(stage.appliance.world().ledger().is_empty(), "{way:?}");
        stage.deny_all();
    }
}

#[test]
fn what_one_conversation_has_read_is_not_held_against_another() {
    let stage = Stage::new(OWNERS);
    stage.put(Carrier::Mail, "mail", "hello");
    for (at, way) in Way::PROGRAMS.into_iter().enumerate() {
        let ((_, key), (_, other)) = (stage.new_client(), stage.new_client());
        let mut reader = Host::new(&stage.appliance, way, &key);
        Stage::read(&mut reader, Carrier::Mail, "mail");
        // Where each request stands for itself, the client is the conversation.
        let key = if way.is_clients() { &other } else { &key };
        let mut writer = Host::new(&stage.appliance, way, key);
        let reply = writer.call(SEND, &mail(&format!("clean {way:?}")));
        assert!(!is_refused(&reply), "{way:?}: {reply}");
        assert!(is_refused(&reader.call(SEND, &mail(&format!("marked {way:?}")))), "{way:?}");
        assert_eq!(stage.appliance.world().ledger().len(), at + 1);
        stage.deny_all();
    }
}
