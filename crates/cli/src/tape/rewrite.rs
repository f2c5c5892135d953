//! JSON of which some values are replaced, and the others keep their bytes.

use std::collections::BTreeSet;
use std::fmt;
use std::fmt::Write as _;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::args::ScrubField;

/// Members that hold an account, or several.
const ACCOUNTS: [&str; 8] =
    ["author", "actor", "target", "previous", "changes", "mentions", "results", "accounts"];
/// Of an account: what it is known by.
const NAMES: [&str; 6] = ["id", "twitterId", "handle", "normalizedHandle", "name", "input"];
/// Of an account: what says nothing of who it is.
const KINDS: [&str; 4] = ["platform", "verifiedType", "state", "type"];
const LINKS: [&str; 6] = ["link", "url", "urls", "expandedUrl", "displayUrl", "expanded"];

/// What is to be replaced.
pub(super) struct Rewriter<'a> {
    pub(super) fields: &'a [ScrubField],
    pub(super) salt: &'a str,
    /// Tweets of which nothing may stay.
    pub(super) gone: &'a BTreeSet<String>,
}

/// Where a value stands.
#[derive(Clone, Copy, Default)]
struct Place<'k> {
    /// The name of the member it is, or is an item of.
    key: &'k str,
    in_account: bool,
    in_media: bool,
    in_links: bool,
    /// Nothing of this object may stay but what names its tweet.
    is_gone: bool,
}

impl Rewriter<'_> {
    /// A frame with what is in its payload replaced; none if it is no JSON object.
    pub(super) fn frame(&self, json: &str) -> Option<String> {
        let mut frame: Object = serde_json::from_str(json).ok()?;
        for (key, value) in &mut frame.0 {
            if key == "d"
                && let Some(rewritten) = self.value(value.get(), Place::default())
            {
                *value = RawValue::from_string(rewritten).ok()?;
            }
        }
        serde_json::to_string(&frame).ok()
    }

    /// A decision line likewise.
    pub(super) fn decision(&self, json: &str) -> Option<String> {
        let mut line: Object = serde_json::from_str(json).ok()?;
        for (key, value) in &mut line.0 {
            let text: Option<String> = serde_json::from_str(value.get()).ok();
            let Some(text) = text else { continue };
            let replaced = match key.as_str() {
                "text" if self.scrubs(ScrubField::Text) => quoted(""),
                "author" | "author_id" if self.scrubs(ScrubField::Author) => quoted(&self.hash(&text)),
                "link" if self.scrubs(ScrubField::Author) || self.scrubs(ScrubField::Links) => {
                    "null".to_owned()
                }
                _ => continue,
            };
            *value = RawValue::from_string(replaced).ok()?;
        }
        serde_json::to_string(&line).ok()
    }

    fn scrubs(&self, field: ScrubField) -> bool {
        self.fields.contains(&field)
    }

    /// A value with what is in it replaced; none if nothing is.
    fn value(&self, json: &str, place: Place<'_>) -> Option<String> {
        match json.as_bytes().first()? {
            b'{' => {
                let mut object: Object = serde_json::from_str(json).ok()?;
                let mut is_changed = false;
                let is_gone = place.is_gone || !place.key.is_empty() && self.names_gone(&object);
                for (key, value) in &mut object.0 {
                    let inside = Place {
                        in_account: place.in_account || ACCOUNTS.contains(&key.as_str()),
                        in_media: place.in_media || key == "media",
                        in_links: place.in_links || key == "urls",
                        is_gone,
                        key,
                    };
                    if let Some(rewritten) = self.value(value.get(), inside) {
                        *value = RawValue::from_string(rewritten).ok()?;
                        is_changed = true;
                    }
                }
                is_changed.then(|| serde_json::to_string(&object).ok()).flatten()
            }
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
                let rewritten: Vec<_> = items.iter().map(|item| self.value(item.get(), place)).collect();
                if rewritten.iter().all(Option::is_none) {
                    return None;
                }
                let items = items.iter().zip(&rewritten);
                let items: Vec<&str> = items.map(|(is, new)| new.as_deref().unwrap_or(is.get())).collect();
                Some(format!("[{}]", items.join(",")))
            }
            b'"' => {
                let text: String = serde_json::from_str(json).ok()?;
                self.text(&text, place).map(|text| quoted(&text))
            }
            b'-' | b'0'..=b'9' => {
                let is_name = place.in_account && matches!(place.key, "id" | "twitterId");
                (is_name && self.scrubs(ScrubField::Author)).then(|| quoted(&self.hash(json)))
            }
            _ => None,
        }
    }

    /// What stands in place of a text; none if it stays.
    fn text(&self, text: &str, place: Place<'_>) -> Option<String> {
        let Place { key, in_account, in_media, in_links, is_gone } = place;
        let is_link = in_links || LINKS.contains(&key);
        if in_account {
            let is_author = self.scrubs(ScrubField::Author) || is_gone;
            // An item of `mentions` may be the handle itself.
            if is_author && (NAMES.contains(&key) || key == "mentions") {
                return Some(self.hash(text));
            }
            if KINDS.contains(&key) {
                return None;
            }
            let is_other = self.scrubs(ScrubField::Text) && matches!(key, "bio" | "name" | "location");
            return (is_author || is_other || is_link && self.scrubs(ScrubField::Links)).then(String::new);
        }
        let is_emptied = is_gone && !matches!(key, "tweetId" | "type" | "kind")
            || in_media && key != "type" && self.scrubs(ScrubField::Media)
            || !in_media && is_link && self.scrubs(ScrubField::Links)
            // The address of a post names its author.
            || key == "link" && self.scrubs(ScrubField::Author)
            || key == "text" && self.scrubs(ScrubField::Text);
        is_emptied.then(String::new)
    }

    fn names_gone(&self, object: &Object) -> bool {
        let named = object.0.iter().find(|(key, _)| key == "tweetId");
        named.is_some_and(|(_, value)| self.gone.contains(value.get().trim_matches('"')))
    }

    /// The same for the same account, with @ or without, in any case.
    fn hash(&self, name: &str) -> String {
        let bare = name.strip_prefix('@');
        let mut hash = Sha256::new();
        hash.update(self.salt.as_bytes());
        hash.update([0]);
        hash.update(bare.unwrap_or(name).to_lowercase().as_bytes());
        let mut hashed = if bare.is_some() { "@".to_owned() } else { String::new() };
        for byte in hash.finalize().iter().take(8) {
            write!(hashed, "{byte:02x}").expect("a String takes every text");
        }
        hashed
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An object whose values are as they came, in their order.
struct Object(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &str = r#"{"v":1,"op":"content","d":{"tweetId":"7","text":"hello @Bob","price":1.50,"link":"https://x.com/Alice/status/7","author":{"id":"42","handle":"@Alice","name":"Alice A","bio":"me","platform":"twitter","followers":12},"mentions":["@bob",{"handle":"alice"}],"media":[{"type":"photo","url":"https://p/1.jpg"}],"urls":[{"url":"https://t.co/1"}],"ref":{"tweetId":"6","type":"quoted","text":"gone","author":{"handle":"@carol"}}}}"#;

    fn check(fields: &[ScrubField], gone: &[&str], changed: &[(&str, &str)]) {
        let gone = gone.iter().map(|id| (*id).to_owned()).collect();
        let rewriter = Rewriter { fields, salt: "", gone: &gone };
        let mut expect = FRAME.to_owned();
        for (from, to) in changed {
            assert!(expect.contains(from), "{from}");
            expect = expect.replace(from, to);
        }
        assert_eq!(rewriter.frame(FRAME).unwrap(), expect);
    }

    #[test]
    fn what_is_not_asked_for_keeps_its_bytes() {
        check(&[], &[], &[]);
        check(
            &[ScrubField::Text],
            &[],
            &[("hello @Bob", ""), ("\"me\"", "\"\""), ("Alice A", ""), ("\"gone\"", "\"\"")],
        );
        check(&[ScrubField::Media], &[], &[("https://p/1.jpg", "")]);
        check(&[ScrubField::Links], &[], &[("https://t.co/1", ""), ("https://x.com/Alice/status/7", "")]);
    }

    #[test]
    fn an_account_is_hashed_the_same_wherever_it_stands() {
        let gone = BTreeSet::new();
        let rewriter = Rewriter { fields: &[ScrubField::Author], salt: "s", gone: &gone };
        let frame = rewriter.frame(FRAME).unwrap();
        for word in ["Alice", "\"me\"", "carol", "\"@bob", "\"42\""] {
            assert!(!frame.contains(word), "{word}: {frame}");
        }
        let alice = rewriter.hash("alice");
        assert_eq!(frame.matches(&alice).count(), 2, "as author and as mention: {frame}");
        assert!(frame.contains("\"followers\":12") && frame.contains("\"price\":1.50"), "{frame}");
        let other = Rewriter { fields: &[ScrubField::Author], salt: "t", gone: &gone };
        assert_ne!(other.hash("alice"), alice);
        let line = r#"{"seq":0,"author":"alice","author_id":null,"link":"https://x.com/a","text":"t"}"#;
        let expect = format!(r#"{{"seq":0,"author":"{alice}","author_id":null,"link":null,"text":"t"}}"#);
        assert_eq!(rewriter.decision(line).unwrap(), expect);
    }

    #[test]
    fn what_others_quote_of_a_deleted_tweet_is_emptied() {
        let gone = BTreeSet::from(["6".to_owned()]);
        let rewriter = Rewriter { fields: &[], salt: "", gone: &gone };
        let frame = rewriter.frame(FRAME).unwrap();
        assert!(!frame.contains("\"gone\"") && !frame.contains("carol"), "{frame}");
        assert!(frame.contains("hello @Bob") && frame.contains("\"tweetId\":\"6\""), "{frame}");
    }
}
