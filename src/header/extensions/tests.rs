use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};
use proptest::{collection::vec, option, prelude::*};

use super::{Extension, extensions};
use crate::header::arbitrary::{config, layout, space, token};

/// Returns the parsed list in the form `name;param=value;param`.
fn parsed(lines: &[&[u8]]) -> Vec<String> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_bytes(line).unwrap());
    }
    let members = extensions(&headers).map(|extension| {
        extension.params.iter().fold(extension.name.to_owned(), |text, (name, value)| match value {
            Some(value) => format!("{text};{name}={value}"),
            None => format!("{text};{name}"),
        })
    });
    members.collect()
}

#[test]
fn members_of_all_lines_keep_their_order() {
    let cases: &[(&[&[u8]], &[&str])] = &[
        (&[], &[]),
        (&[b"", b" , ,"], &[]),
        (&[b"a"], &["a"]),
        (&[b"a, b", b"c"], &["a", "b", "c"]),
        (&[b"a;x;y=1 ,b ; z = 2"], &["a;x;y=1", "b;z=2"]),
        (&[b"a\t;\tx\t=\t1"], &["a;x=1"]),
        (&[b"a;x;x=1;x=2"], &["a;x;x=1;x=2"]),
    ];
    for (lines, expected) in cases {
        assert_eq!(&parsed(lines), expected, "{lines:?}");
    }
}

#[test]
fn quotes_are_removed_from_values() {
    let cases: &[(&[u8], &[&str])] = &[
        (b"a;x=\"1\"", &["a;x=1"]),
        (b"a;x= \"10\" ;y, b", &["a;x=10;y", "b"]),
        (b"a;x=\"1\\0\"", &["a;x=10"]),
        // A quoted string that is not a token is skipped, including its commas and semicolons.
        (b"a;x=\"1,2;3\", b", &["b"]),
        (b"a;x=\"1\\\",b\", c", &["c"]),
        (b"a;x=\"\", b", &["b"]),
        (b"a;x=\"1\"2, b", &["b"]),
        (b"a;x=\"1", &[]),
        (b"a;x=\"1\\", &[]),
    ];
    for (line, expected) in cases {
        assert_eq!(&parsed(&[line]), expected, "{line:?}");
    }
}

#[test]
fn member_with_invalid_syntax_is_skipped() {
    for bad in
        ["a;", "a;;x", ";x", "=1", "a;x=", "a;=1", "a;x=1=2", "a b", "a;x y", "a/b", "a;x=(1)", "\"a\""]
    {
        let line = format!("first, {bad}, last");
        assert_eq!(parsed(&[line.as_bytes()]), ["first", "last"], "{bad}");
    }
    assert_eq!(parsed(&[b"a;x=\xff, b\xa0, c"]), ["c"]);
}

/// A parameter as text, together with its name and value.
fn param() -> impl Strategy<Value = (String, (String, Option<String>))> {
    (token(), option::of((token(), any::<bool>(), any::<u8>())), space()).prop_map(|(name, value, space)| {
        let text = match &value {
            None => format!(";{space}{name}{space}"),
            Some((value, false, _)) => format!("{space};{name}{space}={space}{value}"),
            // Quoted, with escapes.
            Some((value, true, escapes)) => {
                let mut quoted = String::new();
                for (i, char) in value.chars().enumerate() {
                    quoted.extend((escapes >> (i % 8) & 1 > 0).then_some('\\'));
                    quoted.push(char);
                }
                format!(";{name}={space}\"{quoted}\"{space}")
            }
        };
        (text, (name, value.map(|(value, ..)| value)))
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn list_in_any_layout_has_its_extensions(
        members in vec((token(), vec(param(), 0..4)), 0..5),
        layout in layout(),
    ) {
        let texts: Vec<String> = members
            .iter()
            .map(|(name, params)| params.iter().fold(name.clone(), |text, (param, _)| text + param))
            .collect();
        let headers = layout.header(SEC_WEBSOCKET_EXTENSIONS, &texts);
        let expected: Vec<_> = members
            .iter()
            .map(|(name, params)| Extension {
                name,
                params: params
                    .iter()
                    .map(|(_, (name, value))| (&**name, value.as_deref().map(Into::into)))
                    .collect(),
            })
            .collect();
        prop_assert_eq!(extensions(&headers).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn arbitrary_bytes_give_only_tokens(lines in vec(vec(any::<u8>(), 0..40), 0..4)) {
        let mut headers = HeaderMap::new();
        for line in lines {
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                headers.append(SEC_WEBSOCKET_EXTENSIONS, value);
            }
        }
        let is_token = |text: &str| super::token(text.as_bytes()) == Some(text);
        for extension in extensions(&headers) {
            prop_assert!(is_token(extension.name));
            for (name, value) in &extension.params {
                prop_assert!(is_token(name) && value.as_deref().is_none_or(is_token));
            }
        }
    }
}
