//! Runs every input of the corpora once.

use std::{fs, path::Path};

use tower_websocket_fuzz::{client, connection, extensions, frames, handshake, headers, inflate};

fn play(target: &str, check: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut count = 0;
    for file in fs::read_dir(corpus).unwrap() {
        let path = file.unwrap().path();
        println!("{}", path.display());
        check(&fs::read(path).unwrap());
        count += 1;
    }
    assert!(count > 10, "{count} inputs");
}

#[test]
fn opening_handshakes() {
    play("handshake", handshake::check);
}

#[test]
fn headers_of_opening_handshakes() {
    play("headers", headers::check);
}

#[test]
fn negotiation_of_compression() {
    play("extensions", extensions::check);
}

#[test]
fn streams_of_frames() {
    play("frames", frames::check);
}

#[test]
fn streams_of_compressed_messages() {
    play("inflate", inflate::check);
}

#[test]
fn operations_of_a_socket() {
    play("connection", connection::check);
}

#[test]
fn responses_and_frames_of_a_server() {
    play("client", client::check);
}
