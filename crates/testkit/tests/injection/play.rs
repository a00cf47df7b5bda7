//! A model that does what it is told by whatever it reads.

use serde_json::{Value, json};
use testkit::Sent;

use crate::case::{Carrier, Case, Destination, Do};
use crate::host::{Host, Way};
use crate::order::{Order, orders};
use crate::stage::{Read, Stage};

/// More orders than any case has: a model that reads its own reports goes round in no circle.
const MAX_ORDERS: usize = 20;

/// What came of one conversation.
pub(crate) struct Play {
    /// What the play was, for whoever reads why a test failed.
    pub(crate) title: String,
    /// The client, as approvals name it; nothing, where the socket names it.
    pub(crate) client: Option<String>,
    /// What the model was told to send, and the answers that it got.
    pub(crate) ordered: Vec<(Sent, Value)>,
    /// What reading sent out.
    pub(crate) own: Vec<Sent>,
    /// What was read.
    pub(crate) reads: Vec<Read>,
    /// How many of them were read in an earlier conversation.
    pub(crate) earlier: usize,
    /// What really left.
    pub(crate) left: Vec<Sent>,
    /// The answers to the same calls, once more.
    pub(crate) again: Vec<Value>,
}

/// How a case is played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cast {
    pub(crate) way: Way,
    pub(crate) to: Destination,
    /// Whether the owner wrote all that is read.
    pub(crate) own_notes: bool,
    /// Whether the model tries again what it was refused.
    pub(crate) insists: bool,
}

struct Model<'a> {
    host: Host<'a>,
    secret: String,
    memory: String,
    done: Vec<Order>,
    play: Play,
}

/// Plays a case.
pub(crate) fn play(stage: &Stage, case: &Case, as_cast: Cast) -> Play {
    let number = stage.number();
    let id = |at: usize| format!("p{number}-{at}");
    let carrier = |at: usize| if as_cast.own_notes { Carrier::Note } else { case.texts[at].0 };
    let second = case.texts.get(1).map(|_| Stage::named(carrier(1), &id(1)));
    let second = second.unwrap_or_default();
    // What is kept is written by the model itself.
    let written = if case.is_kept() { 1 } else { case.texts.len() };
    for at in 0..written {
        stage.put(carrier(at), &id(at), &case.text(at, as_cast.to, &second));
    }
    let (secret, note) = (format!("secret-{number}"), format!("note-{number}"));
    stage.put(Carrier::Note, &note, &secret);

    let before = stage.appliance.world().ledger().len();
    let (client, key) = stage.client(as_cast.way);
    let of_socket =
        matches!(as_cast.way, Way::Local | Way::LocalOlder | Way::LocalOld | Way::Person);
    let play = Play {
        title: format!("{} {as_cast:?}", case.name),
        client: (!of_socket).then_some(client),
        ordered: Vec::new(),
        own: Vec::new(),
        reads: Vec::new(),
        earlier: 0,
        left: Vec::new(),
        again: Vec::new(),
    };
    let host = Host::new(&stage.appliance, as_cast.way, &key);
    let mut model = Model { host, secret, memory: String::new(), done: Vec::new(), play };
    model.read(Carrier::Note, &note);
    for step in case.task {
        match step {
            Do::Read(at) => model.read(carrier(*at), &id(*at)),
            Do::ReadOwn => model.read(Carrier::Note, &note),
            Do::BeginAnew => {
                model.host.begin_anew();
                if !as_cast.way.is_clients() {
                    model.play.earlier = model.play.reads.len();
                }
                model.memory.clear();
                model.done.clear();
            }
        }
    }
    if as_cast.insists {
        model.insist();
    }
    model.host.give_up();
    let mut play = model.play;
    play.left = stage.appliance.world().ledger().split_off(before);
    play
}

impl Model<'_> {
    /// Reads a text, and does what it says.
    fn read(&mut self, carrier: Carrier, id: &str) {
        let read = Stage::read(&mut self.host, carrier, id);
        let text = read.text.clone();
        self.play.own.extend(read.sent.clone());
        self.play.reads.push(read);
        let orders = orders(&self.memory, &text, &self.done);
        self.memory = format!("{} {text}", self.memory);
        for order in orders {
            if self.done.contains(&order) || self.done.len() == MAX_ORDERS {
                continue;
            }
            self.done.push(order.clone());
            self.obey(&order);
        }
    }

    fn obey(&mut self, order: &Order) {
        let secret = self.secret.clone();
        let mail = |to: &str| json!({ "account": "private", "to": [to], "subject": "a note", "body": secret });
        let (tool, arguments) = match order {
            Order::Read(kind, id) => return self.read(Stage::carrier(kind), id),
            Order::Keep(text, path) => {
                self.host.call("fs_write", &json!({ "path": path, "content": text }));
                return;
            }
            Order::Send(whom) => ("outside_mail_send", mail(whom)),
            Order::Copy(whom) => {
                let mut mail = mail("anna@home.example");
                mail["cc"] = json!([whom]);
                ("outside_mail_send", mail)
            }
            Order::Fetch(url) => {
                ("outside_web_fetch", json!({ "url": url.replace("NOTE", &secret) }))
            }
            Order::Post(url) => ("outside_web_post", json!({ "url": url, "body": secret })),
            Order::Invite(whom) => {
                ("outside_calendar_invite", json!({ "guests": [whom], "title": secret }))
            }
            Order::Push(remote) => {
                ("outside_sync_push", json!({ "remote": remote, "path": format!("/{secret}") }))
            }
            Order::Upload(remote) => {
                ("outside_sync_put", json!({ "remote": remote, "name": format!("{secret}.txt") }))
            }
            Order::Text(number) => {
                ("outside_text_send", json!({ "number": number, "body": secret }))
            }
        };
        let reply = self.host.call(tool, &arguments);
        self.play.ordered.push((Sent { tool: tool.to_owned(), arguments }, reply));
    }

    /// Calls again what it was told to call.
    fn insist(&mut self) {
        for (call, _) in &self.play.ordered {
            self.play.again.push(self.host.call(&call.tool, &call.arguments));
        }
    }
}
