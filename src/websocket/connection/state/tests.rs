use super::{Connection, Link};
use crate::{io::UpgradedIo, websocket::connection::Place};

#[test]
#[cfg(target_pointer_width = "64")]
fn idle_connection_is_small() {
    let connection = size_of::<Connection<UpgradedIo>>();
    assert!(connection <= 520, "{connection}");
    let link = size_of::<Link<UpgradedIo>>();
    assert!(link <= 240, "{link}");
    // Every future that sends contains one.
    let place = size_of::<Option<Place>>();
    assert!(place <= 16, "{place}");
}
