use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};
use proptest::{collection::vec, option, prelude::*};

use super::{InvalidSyntax, extensions};
use crate::header::{
    arbitrary::{config, layout, space, token},
    is_token,
};

fn headers(lines: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_bytes(line).unwrap());
    }
    headers
}

/// Returns the parsed list, each member in the form `name;param=value;param`.
fn parsed(lines: &[&[u8]]) -> Result<Vec<String>, InvalidSyntax> {
    let headers = headers(lines);
    let members = extensions(&headers).map(|extension| {
        let extension = extension?;
        Ok(extension.params().fold(extension.name.to_owned(), |text, (name, value)| match value {
            Some(value) => format!("{text};{name}={value}"),
            None => format!("{text};{name}"),
        }))
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
        assert_eq!(parsed(lines).unwrap(), *expected, "{lines:?}");
    }
}

#[test]
fn quotes_are_removed_from_values() {
    let cases: &[(&[u8], &[&str])] = &[
        (b"a;x=\"1\"", &["a;x=1"]),
        (b"a;x= \"10\" ;y, b", &["a;x=10;y", "b"]),
        (b"a;x=\"1\\0\"", &["a;x=10"]),
    ];
    for (line, expected) in cases {
        assert_eq!(parsed(&[line]).unwrap(), *expected, "{line:?}");
    }
}

#[test]
fn quoted_string_must_be_a_token() {
    let cases: [&[u8]; 6] = [
        b"a;x=\"1,2;3\", b",
        b"a;x=\"1\\\",b\", c",
        b"a;x=\"\", b",
        b"a;x=\"1\"2, b",
        b"a;x=\"1",
        b"a;x=\"1\\",
    ];
    for line in cases {
        assert_eq!(parsed(&[line]), Err(InvalidSyntax), "{line:?}");
    }
}

#[test]
fn one_invalid_member_makes_the_list_invalid() {
    for bad in
        ["a;", "a;;x", ";x", "=1", "a;x=", "a;=1", "a;x=1=2", "a b", "a;x y", "a/b", "a;x=(1)", "\"a\""]
    {
        let line = format!("first, {bad}, last");
        assert_eq!(parsed(&[line.as_bytes()]), Err(InvalidSyntax), "{bad}");
        assert_eq!(parsed(&[b"first", bad.as_bytes(), b"last"]), Err(InvalidSyntax), "{bad}");
        let headers = headers(&[line.as_bytes(), b"next"]);
        let names: Vec<_> = extensions(&headers).map(|extension| extension.map(|it| it.name)).collect();
        assert_eq!(names, [Ok("first"), Err(InvalidSyntax), Ok("next")], "{bad}");
    }
    for bad in [&b"a;x=\xff"[..], b"b\xa0"] {
        assert_eq!(parsed(&[bad]), Err(InvalidSyntax), "{bad:?}");
    }
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
            .map(|(name, params)| {
                let params = params.iter().map(|(_, (name, value))| (&**name, value.as_deref().map(Into::into)));
                (&**name, params.collect::<Vec<_>>())
            })
            .collect();
        let found = extensions(&headers).map(|it| it.map(|it| (it.name, it.params().collect::<Vec<_>>())));
        prop_assert_eq!(found.collect::<Result<Vec<_>, _>>(), Ok(expected));
    }

    #[test]
    fn arbitrary_bytes_give_only_tokens(lines in vec(vec(any::<u8>(), 0..40), 0..4)) {
        let mut headers = HeaderMap::new();
        for line in lines {
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                headers.append(SEC_WEBSOCKET_EXTENSIONS, value);
            }
        }
        for extension in extensions(&headers).flatten() {
            prop_assert!(is_token(extension.name));
            for (name, value) in extension.params() {
                prop_assert!(is_token(name) && value.as_deref().is_none_or(is_token));
            }
        }
    }
}
