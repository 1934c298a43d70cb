use super::{Connection, Link};
use crate::{io::UpgradedIo, websocket::connection::WaiterKey};

#[test]
#[cfg(target_pointer_width = "64")]
fn idle_connection_is_small() {
    let connection = size_of::<Connection<UpgradedIo>>();
    assert!(connection <= 528, "{connection}");
    let link = size_of::<Link<UpgradedIo>>();
    assert!(link <= 240, "{link}");
    // Every future that sends contains one.
    let key = size_of::<Option<WaiterKey>>();
    assert!(key <= 16, "{key}");
}
