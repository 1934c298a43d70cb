use bytes::Bytes;
use tokio::io::AsyncReadExt;

use super::Rewind;

#[tokio::test]
async fn last_pushed_bytes_are_read_first() {
    for (first, second) in [("", ""), ("b", ""), ("", "a"), ("b", "a")] {
        let io = Rewind::new(&b"c"[..], Bytes::from_static(first.as_bytes()));
        let mut read = String::new();
        io.push_front(Bytes::from_static(second.as_bytes())).read_to_string(&mut read).await.unwrap();
        assert_eq!(read, format!("{second}{first}c"));
    }
}
