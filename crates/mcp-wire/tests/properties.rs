//! What holds for any bytes, however they are cut.

use bytes::{Bytes, BytesMut};
use mcp_wire::{
    Edit, FrameDecoder, FrameTooLong, Framing, Message, MixedDecoder, Object, push_frame,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// The most bytes of a message here: short, so that messages on both sides of it are common.
const MAX: usize = 12;

/// What a decoder makes of a stream: the messages, whether one was too long, and whether the stream ended between
/// messages.
#[derive(Debug, PartialEq)]
struct Read {
    messages: Vec<Vec<u8>>,
    too_long: bool,
    whole: bool,
}

/// The two decoders.
trait Decoder {
    fn buffer(&mut self) -> &mut BytesMut;
    fn next_frame(&mut self) -> Result<Option<Bytes>, FrameTooLong>;
    fn is_empty(&self) -> bool;
}

macro_rules! decoder {
    ($name:ident) => {
        impl Decoder for $name {
            fn buffer(&mut self) -> &mut BytesMut {
                self.buffer()
            }
            fn next_frame(&mut self) -> Result<Option<Bytes>, FrameTooLong> {
                self.next_frame()
            }
            fn is_empty(&self) -> bool {
                self.is_empty()
            }
        }
    };
}
decoder!(FrameDecoder);
decoder!(MixedDecoder);

/// Reads `stream` in pieces of these sizes, over and over; none means whole.
fn read(decoder: &mut dyn Decoder, stream: &[u8], pieces: &[usize]) -> Read {
    let mut messages = Vec::new();
    let mut sizes = pieces.iter().copied().cycle();
    let mut rest = stream;
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(sizes.next().unwrap_or(rest.len()).min(rest.len()));
        rest = tail;
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(message)) => messages.push(message.to_vec()),
                Ok(None) => break,
                Err(_) => return Read { messages, too_long: true, whole: false },
            }
        }
    }
    Read { messages, too_long: false, whole: decoder.is_empty() }
}

/// The rule of [`MixedDecoder`] as its documentation puts it, without a thought for speed.
fn reference(stream: &[u8], max: usize) -> (Read, Option<Framing>) {
    let mut read = Read { messages: Vec::new(), too_long: false, whole: true };
    let mut framing = None;
    let mut rest = stream;
    loop {
        while let Some((b' ' | b'\t' | b'\r' | b'\n' | 0, tail)) = rest.split_first() {
            rest = tail;
        }
        let ends = |at: &usize| match (framing, rest[*at]) {
            (_, 0) | (Some(Framing::Newline), b'\n') => true,
            (None, b'\n') => is_top_level(&rest[..*at]),
            _ => false,
        };
        let end = (0..rest.len()).find(ends);
        let mut message = &rest[..end.unwrap_or(rest.len())];
        let newline = match end {
            Some(at) => rest[at] == b'\n',
            None => framing != Some(Framing::Nul),
        };
        if newline && message.ends_with(b"\r") {
            message = &message[..message.len() - 1];
        }
        if message.len() > max {
            return (Read { too_long: true, whole: false, ..read }, framing);
        }
        let Some(end) = end else {
            read.whole = rest.is_empty();
            return (read, framing);
        };
        framing.get_or_insert(if newline { Framing::Newline } else { Framing::Nul });
        read.messages.push(message.to_vec());
        rest = &rest[end + 1..];
    }
}

/// Whether what follows these bytes is outside of any array, object or string.
fn is_top_level(text: &[u8]) -> bool {
    let (mut depth, mut at, mut in_string) = (0_i32, 0, false);
    while at < text.len() {
        match (in_string, text[at]) {
            (true, b'\\') => at += 1,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = (depth - 1).max(0),
            _ => {}
        }
        at += 1;
    }
    // A backslash at the very end has escaped what follows, which is then in the string.
    depth == 0 && !in_string
}

/// Streams in which ends, brackets, quotes and white space are common.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let hostile = vec(prop::sample::select(&b"\0\n\r \t{}[]\"\\a1:,\xff"[..]), 0..60);
    let part = prop_oneof![
        Just("{\"a\":1}"),
        Just("{\n\"a\"\n:[]}"),
        Just("\"\\\"\n\""),
        Just("123456789012"),
        Just("1234567890123"),
        Just("x"),
        Just(" "),
    ];
    let end = prop_oneof![Just("\0"), Just("\n"), Just("\r\n"), Just("\r"), Just("\n\n"), Just("")];
    let messages = vec((part, end), 0..8).prop_map(|parts| {
        parts.iter().flat_map(|(part, end)| [*part, *end]).collect::<String>().into_bytes()
    });
    prop_oneof![hostile, messages]
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    vec(1_usize..9, 1..6)
}

/// JSON values, as text, with white space here and there.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("-1.50e3".to_owned()),
        "[1-9][0-9]{0,30}",
        any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        Just(r#""\u0000\n\ud83d\ude00""#.to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let array =
            vec(inner.clone(), 0..4).prop_map(|values| format!("[{}\n]", values.join(" ,\r\n")));
        let object = vec(inner, 0..4).prop_map(|values| {
            let member = |(n, value)| format!(" \"k{n}\"\t:{value}");
            let members: Vec<String> = values.iter().enumerate().map(member).collect();
            format!("{{{}}}", members.join(","))
        });
        prop_oneof![array, object]
    })
}

/// Ids as a client may write them.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,40})",
        any::<[char; 8]>()
            .prop_map(|text| serde_json::Value::from(text.iter().collect::<String>()).to_string()),
        r#""(\\u00[0-7][0-9a-f]|\\/|\\n|[a-z]){0,20}""#,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_split_gives_the_same_frames(stream in stream(), pieces in pieces()) {
        let whole = read(&mut FrameDecoder::new(MAX), &stream, &[]);
        prop_assert_eq!(read(&mut FrameDecoder::new(MAX), &stream, &pieces), whole);
    }

    #[test]
    fn any_split_gives_the_same_mixed_frames(stream in stream(), pieces in pieces()) {
        let (expected, framing) = reference(&stream, MAX);
        let mut whole = MixedDecoder::new(MAX);
        prop_assert_eq!(&read(&mut whole, &stream, &[]), &expected);
        prop_assert_eq!(whole.framing(), framing);
        let mut cut = MixedDecoder::new(MAX);
        prop_assert_eq!(&read(&mut cut, &stream, &pieces), &expected);
        prop_assert_eq!(cut.framing(), framing);
    }

    #[test]
    fn what_is_encoded_is_decoded(texts in vec(json(), 1..5), pieces in pieces()) {
        let mut stream = Vec::new();
        for text in &texts {
            let mut out = text.clone().into_bytes();
            push_frame(&mut out);
            stream.extend(out);
        }
        let expected: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let found = read(&mut FrameDecoder::new(1 << 20), &stream, &pieces);
        prop_assert!(found.whole);
        prop_assert_eq!(found.messages, expected);
    }

    #[test]
    fn what_is_encoded_is_decoded_by_the_first_end(
        texts in vec(json(), 1..5),
        newline: bool,
        pieces in pieces(),
    ) {
        let framing = if newline { Framing::Newline } else { Framing::Nul };
        let mut stream = Vec::new();
        for text in &texts {
            let mut out = text.clone().into_bytes();
            framing.push_message(&mut out);
            stream.extend(out);
        }
        let mut decoder = MixedDecoder::new(1 << 20);
        let found = read(&mut decoder, &stream, &pieces);
        prop_assert!(found.whole);
        prop_assert_eq!(decoder.framing(), Some(framing));
        prop_assert_eq!(found.messages.len(), texts.len());
        for (message, text) in found.messages.iter().zip(&texts) {
            let value = |json| serde_json::from_slice::<serde_json::Value>(json).unwrap();
            prop_assert_eq!(value(message), value(text.as_bytes()));
            if !newline {
                prop_assert_eq!(message.as_slice(), text.as_bytes());
            }
        }
    }

    #[test]
    fn ids_and_values_come_out_as_they_went_in(id in id(), params in json(), spaces in "[ \t\r\n]{0,3}") {
        let text = format!(
            "{{{spaces}\"id\"{spaces}:{spaces}{id}{spaces},\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[{params}]}}"
        );
        let Message::Request(request) = Message::parse(&text).unwrap() else {
            return Err(TestCaseError::fail(format!("not a request: {text}")));
        };
        prop_assert_eq!(request.id.as_str(), &id);
        let mut out = Vec::new();
        request.envelope.write(&[("id", Edit::Raw("7"))], &mut out);
        let away = String::from_utf8(out).unwrap();
        let mut out = Vec::new();
        Object::parse(&away).unwrap().write(&[("id", Edit::Raw(request.id.as_str()))], &mut out);
        let back = format!("{{\"id\":{id},\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[{params}]}}");
        prop_assert_eq!(String::from_utf8(out).unwrap(), back);
    }
}

/// Whether a stream may end is told at once: a caller that waits for the rest of a message has a deadline, and one that has all must not.
#[test]
fn a_stream_may_end_only_between_messages() {
    let mut frames = FrameDecoder::new(MAX);
    let mut mixed = MixedDecoder::new(MAX);
    for decoder in [&mut frames as &mut dyn Decoder, &mut mixed] {
        assert!(decoder.is_empty());
        decoder.buffer().extend_from_slice(b"{");
        assert_eq!(decoder.next_frame(), Ok(None));
        assert!(!decoder.is_empty(), "half a message is held");
        decoder.buffer().extend_from_slice(b"}\0");
        assert_eq!(decoder.next_frame().unwrap().unwrap(), "{}");
        assert!(decoder.is_empty(), "its end went with it");
    }
}
