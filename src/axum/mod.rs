//! What axum's extractors reject with.

mod rejections;
