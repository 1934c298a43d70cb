use std::{convert::Infallible, io};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tower::BoxError;

use super::RejectionBody;

fn collect(body: RejectionBody) -> Result<Bytes, BoxError> {
    Ok(body.collect().now_or_never().expect("nothing is waited for")?.to_bytes())
}

#[test]
fn body_keeps_its_frames_and_length() {
    let bytes = RejectionBody::from("abc");
    assert_eq!((bytes.size_hint().exact(), bytes.as_bytes()), (Some(3), Some(&Bytes::from("abc"))));
    assert_eq!(collect(bytes).unwrap(), "abc");

    let full = RejectionBody::new(Full::new(Bytes::from("abc")));
    assert_eq!((full.size_hint().exact(), full.as_bytes()), (Some(3), None));
    assert_eq!(collect(full).unwrap(), "abc");

    let parts = ["a", "b", "c"].map(|part| Ok::<_, Infallible>(Frame::data(part.as_bytes())));
    let stream = RejectionBody::new(StreamBody::new(stream::iter(parts)));
    assert_eq!(stream.size_hint().exact(), None);
    assert_eq!(collect(stream).unwrap(), "abc");

    for empty in [RejectionBody::default(), RejectionBody::new(Empty::<Bytes>::new())] {
        assert!(empty.is_end_stream() && empty.as_bytes().is_some_and(Bytes::is_empty));
    }
}

#[test]
fn error_of_the_body_is_returned() {
    let frames = stream::iter([Ok(Frame::data(Bytes::from("a"))), Err(io::Error::other("broken"))]);
    let body = RejectionBody::new(StreamBody::new(frames.map(|frame| frame)));
    assert_eq!(collect(body).unwrap_err().to_string(), "broken");
}

#[test]
fn clones_share_a_body_that_is_not_bytes() {
    let mut one = RejectionBody::new(Full::new(Bytes::from("abc")));
    let other = one.clone();
    let frame = one.frame().now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "abc");
    assert_eq!(collect(other).unwrap(), "");
}
