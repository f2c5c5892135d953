//! Writes compact JSON into a string, members in the order of the calls. serde would need a type for each payload; here
//! which members there are is often drawn.

use std::fmt::{Display, Write as _};

/// A JSON text under construction. The caller closes what it opens.
#[derive(Debug, Default)]
pub(super) struct Json(String);

impl Json {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    /// Starts an object as a member; an empty name starts it in an array or at the top.
    pub(super) fn object(&mut self, name: &str) {
        self.name(name);
        self.0.push('{');
    }

    pub(super) fn array(&mut self, name: &str) {
        self.name(name);
        self.0.push('[');
    }

    pub(super) fn end_object(&mut self) {
        self.0.push('}');
    }

    pub(super) fn end_array(&mut self) {
        self.0.push(']');
    }

    pub(super) fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        self.quoted(value);
    }

    /// A string or null.
    pub(super) fn nullable(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.string(name, value),
            None => self.literal(name, "null"),
        }
    }

    /// A string, if there is one.
    pub(super) fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.string(name, value);
        }
    }

    /// A number that is written in quotes.
    pub(super) fn id(&mut self, name: &str, id: u64) {
        self.name(name);
        self.0.push('"');
        self.display(id);
        self.0.push('"');
    }

    pub(super) fn number(&mut self, name: &str, value: impl Display) {
        self.name(name);
        self.display(value);
    }

    /// A value that is JSON already.
    pub(super) fn literal(&mut self, name: &str, json: &str) {
        self.name(name);
        self.0.push_str(json);
    }

    fn display(&mut self, value: impl Display) {
        write!(self.0, "{value}").expect("writing to a string does not fail");
    }

    fn name(&mut self, name: &str) {
        if !self.0.is_empty() && !self.0.ends_with(['{', '[']) {
            self.0.push(',');
        }
        if !name.is_empty() {
            self.quoted(name);
            self.0.push(':');
        }
    }

    fn quoted(&mut self, value: &str) {
        self.0.push('"');
        let mut rest = value;
        // Control characters other than the line break do not occur in the texts.
        while let Some(at) = rest.find(['"', '\\', '\n']) {
            self.0.push_str(&rest[..at]);
            self.0.push_str(match rest.as_bytes()[at] {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                _ => "\\n",
            });
            rest = &rest[at + 1..];
        }
        self.0.push_str(rest);
        self.0.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_separated_and_strings_escaped() {
        let mut json = Json::default();
        json.object("");
        json.string("a", "x \"y\"\n\\ 雪");
        json.array("b");
        json.number("", 1);
        json.object("");
        json.end_object();
        json.nullable("", None);
        json.end_array();
        json.id("c", 7);
        json.optional("d", None);
        json.end_object();
        assert_eq!(json.finish(), r#"{"a":"x \"y\"\n\\ 雪","b":[1,{},null],"c":"7"}"#);
    }
}
