use super::{SIZE, give, take};

#[test]
fn nested_reads_use_different_buffers() {
    let (mut outer, mut inner) = (take(), take());
    outer.push(1);
    inner.push(2);
    assert_eq!((outer[0], inner[0]), (1, 2));
    let address = outer.as_ptr();
    give(inner);
    give(outer);
    let kept = take();
    assert_eq!((kept.as_ptr(), kept.len()), (address, 0), "the last one is kept");
}

#[test]
fn buffers_of_another_size_are_not_kept() {
    give(vec![0; 7]);
    assert_eq!(take().capacity(), SIZE);
}
