#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_websocket_fuzz::client::check(data));
