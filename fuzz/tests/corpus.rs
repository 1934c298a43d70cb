//! Every input of the corpora, once.

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
fn the_headers_of_opening_handshakes() {
    play("headers", headers::check);
}

#[test]
fn the_negotiation_of_compression() {
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
fn what_a_program_does_with_its_socket() {
    play("connection", connection::check);
}

#[test]
fn what_a_server_answers_and_sends() {
    play("client", client::check);
}
