//! Framing: the same messages, however the bytes arrive.

use bytes::Bytes;
use mcp_wire::{FrameDecoder, FrameTooLong, Framing, MixedDecoder, push_frame};

/// What a decoder made of a stream.
#[derive(Debug, PartialEq)]
struct Read {
    messages: Vec<Bytes>,
    too_long: bool,
    /// Whether the stream ended between two messages.
    whole: bool,
    framing: Option<Framing>,
}

/// Reads a stream whole and in pieces, with both decoders: both ways give the same messages, none is longer than
/// allowed, none holds its own end, and written again they are read again.
///
/// The first byte is the longest message allowed, the second and third the sizes of the pieces, the rest the stream.
///
/// # Panics
///
/// If any of that does not hold.
pub fn framing(data: &[u8]) {
    let [max, first, second, stream @ ..] = data else {
        return;
    };
    let max = usize::from(*max);
    let sizes = [usize::from(*first).max(1), usize::from(*second).max(1)];

    let whole = read_nul(stream, max, &[stream.len()]);
    assert_eq!(whole, read_nul(stream, max, &sizes));
    check(&whole, max);

    let whole = read_mixed(stream, max, &[stream.len()]);
    assert_eq!(whole, read_mixed(stream, max, &sizes));
    check(&whole, max);
    if let Some(framing) = whole.framing {
        check_again(&whole.messages, framing, max, &sizes);
    }
}

fn check(read: &Read, max: usize) {
    let mut laid_out = read.framing != Some(Framing::Nul);
    for message in &read.messages {
        assert!((1..=max).contains(&message.len()), "a message of {} bytes", message.len());
        assert!(!message.contains(&0), "a message holds its end");
        // The first message of a stream that ends with newlines may be JSON over many lines.
        if read.framing == Some(Framing::Newline) {
            assert!(laid_out || !message.contains(&b'\n'), "a message holds its end");
            laid_out = false;
        }
    }
}

/// Ends each message as a reply would be, and reads them back.
fn check_again(messages: &[Bytes], framing: Framing, max: usize, sizes: &[usize]) {
    let mut stream = Vec::new();
    for message in messages {
        let mut out = message.to_vec();
        framing.push_message(&mut out);
        stream.extend(out);
    }
    let again = read_mixed(&stream, max, sizes);
    if framing == Framing::Nul {
        assert_eq!(again.messages, messages);
        let mut nul = Vec::new();
        for message in messages {
            let mut out = message.to_vec();
            push_frame(&mut out);
            nul.extend(out);
        }
        assert_eq!(stream, nul);
    } else if is_complete(messages.first()) {
        assert_eq!(again.messages.len(), messages.len());
        assert!(!again.too_long);
    }
}

/// Whether a message is JSON, whose end a newline is then sure to be.
fn is_complete(message: Option<&Bytes>) -> bool {
    message.is_some_and(|json| serde_json::from_slice::<&serde_json::value::RawValue>(json).is_ok())
}

fn read_nul(stream: &[u8], max: usize, sizes: &[usize]) -> Read {
    let mut decoder = FrameDecoder::new(max);
    let (messages, too_long) = read(stream, sizes, |piece| {
        decoder.buffer().extend_from_slice(piece);
        decoder.next_frame()
    });
    Read { messages, too_long, whole: decoder.is_empty(), framing: None }
}

fn read_mixed(stream: &[u8], max: usize, sizes: &[usize]) -> Read {
    let mut decoder = MixedDecoder::new(max);
    let (messages, too_long) = read(stream, sizes, |piece| {
        decoder.buffer().extend_from_slice(piece);
        decoder.next_frame()
    });
    Read { messages, too_long, whole: decoder.is_empty(), framing: decoder.framing() }
}

/// Gives `next` the stream in pieces of these sizes, over and over, and after each an empty one until it has no
/// message left.
fn read(
    stream: &[u8],
    sizes: &[usize],
    mut next: impl FnMut(&[u8]) -> Result<Option<Bytes>, FrameTooLong>,
) -> (Vec<Bytes>, bool) {
    let mut messages = Vec::new();
    let mut sizes = sizes.iter().cycle();
    let mut rest = stream;
    while let Some(size) = sizes.next().filter(|_| !rest.is_empty()) {
        let (mut piece, tail) = rest.split_at(rest.len().min(*size));
        rest = tail;
        loop {
            match next(piece) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => return (messages, true),
            }
            piece = &[];
        }
    }
    (messages, false)
}
