use super::{SIZE, give, take, with};

#[test]
fn nested_reads_use_different_buffers() {
    with(|outer| {
        outer[0] = 1;
        with(|inner| inner[0] = 2);
        assert_eq!((outer[0], outer.len()), (1, SIZE));
    });
}

#[test]
fn buffers_of_another_size_are_not_kept() {
    give(vec![0; 7].into());
    assert_eq!(take().len(), SIZE);
}
