//! Frames arrive whole, in their order and once, however slowly the peer reads and whoever puts them.
#![cfg(test)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use frame_socket::{Closed, FrameReader, FrameWriter, Queue, split};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

type Tag = Arc<AtomicUsize>;

/// A writer, its queue, the peer, and this side's reader.
fn pair() -> (FrameWriter<Option<Tag>>, Queue<Option<Tag>>, UnixStream, FrameReader) {
    let (ours, peer) = UnixStream::pair().unwrap();
    let (reader, writer, queue) = split(ours).unwrap();
    (writer, queue, peer, reader)
}

/// Longer than what a socket takes at once.
const LONG: usize = 1 << 20;

#[tokio::test]
async fn frames_of_many_threads_are_not_mixed() {
    const THREADS: u8 = 4;
    const FRAMES: usize = 300;
    let (writer, queue, mut peer, _reader) = pair();
    let writing = tokio::spawn(queue.write(None, |_| true));
    let threads: Vec<_> = (1..=THREADS)
        .map(|number| {
            let writer = writer.clone();
            std::thread::spawn(move || {
                for round in 0..FRAMES {
                    // Some fit at once, some do not.
                    let length = if round % 50 == 0 { LONG } else { 100 };
                    let frame = [vec![number; length], vec![0]].concat();
                    writer.put(frame, None).unwrap();
                }
            })
        })
        .collect();
    drop(writer);
    let mut all = Vec::new();
    let mut chunk = vec![0; 65_536];
    loop {
        match peer.read(&mut chunk).await.unwrap() {
            0 => break,
            length => all.extend_from_slice(&chunk[..length]),
        }
    }
    for thread in threads {
        thread.join().unwrap();
    }
    writing.await.unwrap().unwrap();
    let frames: Vec<&[u8]> = all.split(|byte| *byte == 0).collect();
    let (last, frames) = frames.split_last().unwrap();
    assert!(last.is_empty());
    for number in 1..=THREADS {
        let own: Vec<_> = frames.iter().filter(|frame| frame.first() == Some(&number)).collect();
        assert_eq!(own.len(), FRAMES);
        for (round, frame) in own.iter().enumerate() {
            assert!(frame.iter().all(|byte| *byte == number), "mixed");
            assert_eq!(frame.len(), if round % 50 == 0 { LONG } else { 100 }, "out of order");
        }
    }
    assert_eq!(frames.len(), usize::from(THREADS) * FRAMES);
}

#[tokio::test]
async fn what_nobody_wants_any_more_is_left_out_but_never_half_of_it() {
    let (writer, queue, mut peer, _reader) = pair();
    // Readiness is known only after the first look.
    writer.put(vec![1; LONG], None).unwrap();
    let unwanted = Arc::new(AtomicUsize::new(0));
    writer.put(vec![2; 10], Some(unwanted.clone())).unwrap();
    writer.put(vec![3; 10], None).unwrap();
    assert_eq!((writer.waiting(), Arc::strong_count(&unwanted)), (3, 2));
    drop(writer);
    let writing = tokio::spawn(
        queue.write(None, |tag| tag.as_ref().is_none_or(|tag| tag.load(Ordering::Relaxed) > 0)),
    );
    let mut all = Vec::new();
    peer.read_to_end(&mut all).await.unwrap();
    writing.await.unwrap().unwrap();
    assert_eq!(all, [vec![1; LONG], vec![3; 10]].concat());
    assert_eq!(Arc::strong_count(&unwanted), 1, "the tag is let go");
}

#[tokio::test]
async fn room_comes_back_as_the_peer_reads() {
    let (writer, queue, mut peer, _reader) = pair();
    let writing = tokio::spawn(queue.write(None, |_| true));
    for _ in 0..3 {
        writer.put(vec![7; LONG], None).unwrap();
    }
    assert!(writer.waiting() >= 2);
    writer.room(8).await;
    let full = tokio::time::timeout(Duration::from_millis(50), writer.room(2)).await;
    assert!(full.is_err(), "nobody has read anything");
    let reading = tokio::spawn(async move {
        let mut all = vec![0; 3 * LONG];
        peer.read_exact(&mut all).await.unwrap();
        peer
    });
    writer.room(1).await;
    let _peer = reading.await.unwrap();
    assert_eq!(writer.waiting(), 0);
    drop(writer);
    writing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_an_error_and_one_that_is_gone_too() {
    let (writer, queue, peer, _reader) = pair();
    writer.put(vec![7; LONG], None).unwrap();
    let stalled = queue.write(Some(Duration::from_millis(50)), |_| true).await;
    assert_eq!(stalled.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(writer.put(vec![1], None), Err(Closed), "nobody writes what waits");
    drop(peer);

    let (writer, queue, peer, _reader) = pair();
    let weak = writer.downgrade();
    drop(peer);
    let put = writer.put(vec![1; LONG], None);
    let written = queue.write(None, |_| true);
    drop(writer);
    assert!(put.is_err() || written.await.is_err());
    assert!(weak.upgrade().is_none());
}

#[tokio::test]
async fn what_the_peer_sends_is_read_to_its_end() {
    let (_writer, _queue, mut peer, mut reader) = pair();
    let mut buffer = BytesMut::with_capacity(4);
    peer.write_all(b"abcdef").await.unwrap();
    drop(peer);
    assert_eq!(reader.read(&mut buffer).await.unwrap(), 4);
    buffer.reserve(10);
    assert_eq!(reader.read(&mut buffer).await.unwrap(), 2);
    assert_eq!(buffer.as_ref(), b"abcdef");
    buffer.reserve(1);
    assert_eq!(reader.read(&mut buffer).await.unwrap(), 0);
}
