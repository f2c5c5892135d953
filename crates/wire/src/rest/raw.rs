//! Finds the members and items of a JSON text as they were written, byte for byte.
//!
//! The frames of history rows keep the bytes of their payloads, down to the digits of a price. The text may be broken:
//! the walk ends where it stops being JSON.

/// Walks over the members of an object with their names, or over the items of an array, which have none.
pub(crate) struct Walk<'a> {
    text: &'a [u8],
    at: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Begun,
    Going,
    /// The closing bracket was found.
    Closed,
    /// The text is not JSON from here on.
    Broken,
}

impl<'a> Walk<'a> {
    /// A walk over an object or array; it finds nothing if `text` is neither.
    pub(crate) fn over(text: &'a [u8]) -> Self {
        let state = if matches!(text.first(), Some(b'{' | b'[')) { State::Begun } else { State::Broken };
        Self { text, at: 1, state }
    }

    /// Whether it has come to the closing bracket.
    pub(crate) fn is_whole(&self) -> bool {
        self.state == State::Closed
    }

    fn step(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let is_object = self.text.first() == Some(&b'{');
        let close = if is_object { b'}' } else { b']' };
        self.skip_space();
        if self.peek()? == close {
            self.state = State::Closed;
            return None;
        }
        if self.state == State::Going {
            if self.peek()? != b',' {
                return None;
            }
            self.at += 1;
            self.skip_space();
        }
        let mut name: &[u8] = b"";
        if is_object {
            if self.peek()? != b'"' {
                return None;
            }
            let end = string_end(self.text, self.at)?;
            name = self.text.get(self.at + 1..end - 1)?;
            self.at = end;
            self.skip_space();
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            self.skip_space();
        }
        let end = value_end(self.text, self.at)?;
        let value = self.text.get(self.at..end)?;
        self.at = end;
        Some((name, value))
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    /// Name without its quotes, escapes as they are; and value.
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.state, State::Closed | State::Broken) {
            return None;
        }
        let found = self.step();
        if found.is_some() {
            self.state = State::Going;
        } else if self.state != State::Closed {
            self.state = State::Broken;
        }
        found
    }
}

/// A member of an object by its name; null counts as absent.
pub(crate) fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut members = Walk::over(object);
    members
        .find(|(found, _)| *found == name.as_bytes())
        .map(|(_, value)| value)
        .filter(|value| *value != b"null")
}

/// Where the value that begins at `at` ends.
pub(crate) fn value_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => string_end(text, at),
        b'{' | b'[' => {
            let (mut depth, mut at) = (0_usize, at);
            loop {
                match text.get(at)? {
                    b'"' => {
                        at = string_end(text, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'}' | b']');
            let len = text.get(at..)?.iter().position(is_end).unwrap_or(text.len() - at);
            (len > 0).then_some(at + len)
        }
    }
}

/// One past the quote that closes the string whose opening quote is at `at`.
pub(crate) fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, &str)], whole: bool) {
        let mut walk = Walk::over(text.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let found: Vec<_> = walk.by_ref().map(|(name, value)| (text(name), text(value))).collect();
        let expect: Vec<_> =
            expect.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert_eq!((found, walk.is_whole()), (expect, whole));
    }

    #[test]
    fn members_and_items_come_as_they_were_written() {
        check(
            "{ \"a\" : 1e-12 ,\n\"b\":{\"c\":\"}]\\\"\"},\"d\":[1,{}],\"e\\n\":null}",
            &[("a", "1e-12"), ("b", "{\"c\":\"}]\\\"\"}"), ("d", "[1,{}]"), ("e\\n", "null")],
            true,
        );
        check("[ {\"a\":[]} , \"x\",true ]", &[("", "{\"a\":[]}"), ("", "\"x\""), ("", "true")], true);
        check("{}", &[], true);
        check("[]", &[], true);
    }

    #[test]
    fn what_is_not_whole_ends_the_walk() {
        check("[1,2", &[("", "1"), ("", "2")], false);
        check("[{\"a\":1},{\"a\"", &[("", "{\"a\":1}")], false);
        check("[1 2]", &[("", "1")], false);
        check("{\"a\" 1}", &[], false);
        check("{\"a", &[], false);
        check("\"text\"", &[], false);
        check("", &[], false);
    }

    #[test]
    fn a_member_that_is_null_is_none() {
        let object = br#"{"a":null,"b":2}"#;
        assert_eq!(
            (member(object, "a"), member(object, "b"), member(object, "c")),
            (None, Some(&b"2"[..]), None)
        );
    }
}
