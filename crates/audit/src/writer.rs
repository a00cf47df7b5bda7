//! The one thread that writes the chain.

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use jiff::Timestamp;
use store::rusqlite;
use tokio::sync::mpsc::{OwnedPermit, Receiver, Sender, channel};
use tokio::sync::{Mutex, Notify, oneshot};

use crate::entry::Entry;
use crate::limits::{GROUP, MAX_GROUP, MAX_WAITING};
use crate::open::Log;
use crate::redact::Redactor;

/// The log, to whoever has something to record. Clones write the same log.
#[derive(Debug, Clone)]
pub struct Audit {
    sender: Sender<Message>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    redactor: Redactor,
    /// Tells the writer that somebody waits.
    urgent: Notify,
    /// Tells the writer to end.
    closing: Notify,
    /// Held by the one who has a place and waits for a second: many of those could wait for each other for ever.
    pairs: Mutex<()>,
}

/// The place of an intent in the chain, once the writer has given it one.
type Ticket = Arc<OnceLock<u64>>;

/// The log takes nothing more: it was closed, or could not be written, and then nobody knows what of it is on the disk. What
/// must be recorded must not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot be written")]
pub struct Closed;

/// A place that is kept for an entry, so that what is done can be recorded whatever happens.
#[derive(Debug)]
pub struct Place {
    permit: OwnedPermit<Message>,
    shared: Arc<Shared>,
    /// The intent whose outcome will be here.
    intent: Option<Ticket>,
}

/// An intent on its way to the disk.
#[derive(Debug)]
#[must_use = "what is intended must not be done before it is on the disk"]
pub struct Durable(oneshot::Receiver<u64>);

impl Durable {
    /// Waits until it is there, and gives its place in the chain.
    ///
    /// # Errors
    ///
    /// It is not: then it must not be done.
    pub async fn wait(self) -> Result<u64, Closed> {
        self.0.await.map_err(|_| Closed)
    }
}

#[derive(Debug)]
struct Message {
    /// Without what must not be kept.
    entry: Entry,
    /// When it happened.
    at: i64,
    /// Where the writer leaves its place for its outcome.
    ticket: Option<Ticket>,
    /// The intent that it refers to, which is before it in the queue.
    intent: Option<Ticket>,
    /// Told once it is on the disk.
    done: Option<oneshot::Sender<u64>>,
}

impl Place {
    /// Records an entry, which is in the chain within the time that reads may take.
    /// The outcome of an intent refers to it.
    pub fn record(self, entry: Entry) {
        let message = self.shared.message(entry);
        self.permit.send(Message { intent: self.intent, ..message });
    }
}

impl Shared {
    /// An entry as it waits: already without what must not be kept, and short, however much somebody has sent.
    fn message(&self, mut entry: Entry) -> Message {
        self.redactor.clean(&mut entry);
        let at = Timestamp::now().as_microsecond();
        Message { entry, at, ticket: None, intent: None, done: None }
    }
}

impl Audit {
    /// Starts the thread that writes `log`. Call it after the process is locked down, which holds for threads that start later.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub fn start(mut log: Log) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = channel(MAX_WAITING);
        let redactor = std::mem::take(&mut log.redactor);
        let (urgent, closing, pairs) = (Notify::new(), Notify::new(), Mutex::default());
        let shared = Arc::new(Shared { redactor, urgent, closing, pairs });
        let writer = Writer { log, receiver, shared: shared.clone() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let thread = std::thread::Builder::new().name("audit".to_owned());
        let thread = thread.spawn(move || runtime.block_on(writer.run()))?;
        Ok((Self { sender, shared }, thread))
    }

    /// A place for an entry, waited for where all are taken.
    ///
    /// # Errors
    ///
    /// The log takes nothing more.
    pub async fn place(&self) -> Result<Place, Closed> {
        let permit = self.sender.clone().reserve_owned().await.map_err(|_| Closed)?;
        Ok(Place { permit, shared: self.shared.clone(), intent: None })
    }

    /// Records something that is about to be done, and gives the place of its outcome. Whoever goes away before the intent is on
    /// the disk has that place already, to say so.
    ///
    /// # Errors
    ///
    /// The log takes nothing more.
    pub async fn begin(&self, entry: Entry) -> Result<(Place, Durable), Closed> {
        let one_at_a_time = self.shared.pairs.lock().await;
        let (intent, mut outcome) = (self.place().await?, self.place().await?);
        drop(one_at_a_time);
        let ticket = Ticket::default();
        outcome.intent = Some(ticket.clone());
        Ok((outcome, self.send(intent.permit, entry, Some(ticket))))
    }

    /// Records something that has no outcome of its own, such as a refusal, and gives its place in the chain once that is on the disk.
    ///
    /// # Errors
    ///
    /// It is not.
    pub async fn record_durably(&self, entry: Entry) -> Result<u64, Closed> {
        let place = self.place().await?;
        self.send(place.permit, entry, None).wait().await
    }

    fn send(&self, permit: OwnedPermit<Message>, entry: Entry, ticket: Option<Ticket>) -> Durable {
        let (done, told) = oneshot::channel();
        permit.send(Message { ticket, done: Some(done), ..self.shared.message(entry) });
        self.shared.urgent.notify_one();
        Durable(told)
    }

    /// Records an entry if there is room for it at once. `false`: there is none, or the log takes nothing more.
    pub fn try_record(&self, entry: Entry) -> bool {
        self.sender.try_send(self.shared.message(entry)).is_ok()
    }

    /// Ends the log in order, once what was recorded before is on the disk; it takes nothing more. The thread then ends.
    pub fn close(&self) {
        self.shared.closing.notify_one();
        self.shared.urgent.notify_one();
    }

    /// Whether it takes something still.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }
}

struct Writer {
    log: Log,
    receiver: Receiver<Message>,
    shared: Arc<Shared>,
}

impl Writer {
    /// Writes until everybody who could record something is gone, or it cannot.
    async fn run(mut self) {
        let ended = self.write().await;
        // Whoever waits learns that nothing of theirs was kept.
        self.receiver.close();
        let ended = ended.and_then(|()| self.log.stop());
        if let Err(error) = ended {
            tracing::error!(%error, "the audit log cannot be written: it takes nothing more");
        }
    }

    async fn write(&mut self) -> rusqlite::Result<()> {
        let mut group = Vec::with_capacity(MAX_GROUP);
        let mut more = false;
        self.log.prune()?;
        loop {
            let first = tokio::select! {
                biased;
                first = self.receiver.recv() => first,
                () = self.shared.closing.notified() => {
                    // What has its place already is still recorded.
                    self.receiver.close();
                    continue;
                }
            };
            let Some(first) = first else { return Ok(()) };
            // Of what is left of a full group nobody knows whether somebody waits for it.
            let waits = first.done.is_some() || more;
            group.push(first);
            if !waits {
                // What only reads waits for others, unless somebody waits for the disk.
                tokio::select! {
                    () = self.shared.urgent.notified() => {}
                    () = tokio::time::sleep(GROUP) => {}
                }
            }
            while group.len() < MAX_GROUP
                && let Ok(next) = self.receiver.try_recv()
            {
                group.push(next);
            }
            more = group.len() >= MAX_GROUP;
            self.commit(&mut group)?;
            // Nobody waits for this but who comes next.
            self.log.prune()?;
        }
    }

    fn commit(&mut self, group: &mut Vec<Message>) -> rusqlite::Result<()> {
        let (mut waiting, mut entries) = (Vec::new(), Vec::with_capacity(group.len()));
        let first = self.log.next_seq();
        for (seq, message) in (first..).zip(group.drain(..)) {
            let Message { mut entry, at, ticket, intent, done } = message;
            if let Some(ticket) = ticket {
                ticket.get_or_init(|| seq);
            }
            if let Some(intent) = intent {
                entry.refers = intent.get().copied();
            }
            entries.push((entry, at));
            waiting.extend(done.map(|done| (seq, done)));
        }
        if let Err(error) = self.log.append(entries) {
            // Before those who wait are told, so that nobody who was finds it open.
            self.receiver.close();
            return Err(error);
        }
        for (seq, done) in waiting {
            // Whoever has gone away has given the call up before it was made.
            done.send(seq).ok();
        }
        Ok(())
    }
}
