use super::CloseCode;

#[test]
fn only_codes_that_may_be_sent_are_valid() {
    // Miri is slow.
    for code in if cfg!(miri) { 990..=1020 } else { 0..=u16::MAX } {
        let may_be_sent = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        match CloseCode::try_from(code) {
            Ok(valid) => assert!(may_be_sent && valid.as_u16() == code, "{code}"),
            Err(error) => assert!(!may_be_sent && error.to_string().starts_with(&format!("{code} "))),
        }
    }
}
