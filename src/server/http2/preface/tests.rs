use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::{PREFACE, read};

#[tokio::test]
async fn only_the_complete_preface_is_http2() {
    let almost = [&PREFACE[..PREFACE.len() - 1], b"x"].concat();
    let more = [PREFACE, b"\0\0\0\x04\0\0\0\0\0"].concat();
    let cases: [(&[u8], bool); 7] = [
        (PREFACE, true),
        (&more, true),
        (&almost, false),
        (&PREFACE[..10], false),
        (b"", false),
        (b"PRI", false),
        (b"GET / HTTP/1.1\r\n\r\n", false),
    ];
    for (bytes, expected) in cases {
        for size in [1, 5, 100] {
            let (mut client, mut server) = duplex(size);
            let sent = bytes.to_vec();
            tokio::spawn(async move {
                let _ = client.write_all(&sent).await;
            });
            let (is_http2, mut seen) = read(&mut server).await.map(|(is, seen)| (is, seen.to_vec())).unwrap();
            assert_eq!(is_http2, expected, "{bytes:?}");
            server.read_to_end(&mut seen).await.unwrap();
            assert_eq!(seen, bytes);
        }
    }
}

#[tokio::test]
async fn first_different_byte_decides() {
    let (mut client, mut server) = duplex(100);
    client.write_all(b"PRO").await.unwrap();
    assert!(!read(&mut server).await.unwrap().0);
}
