use super::OpenSocket;
use crate::shutdown::wakers::Slot;

#[test]
#[cfg(target_pointer_width = "64")]
fn slots_are_small() {
    assert_eq!((size_of::<Slot>(), size_of::<Option<OpenSocket>>()), (16, 16));
}
