//! How the reference reads single values, lists and objects.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "JSON of a kind that is not asked for is wrong, whichever it is"
)]

use rust_decimal::Decimal;
use stoop_model::{Bad, BadReason};

use crate::reference::{Kind, Member, Value};
use crate::values::{Read, Reader};

impl Reader {
    /// Goes over the members of an object: known ones to `each`, unknown ones counted, none twice.
    pub(crate) fn members(
        &mut self,
        members: &[Member<'_>],
        known: &[&str],
        each: &mut dyn FnMut(&mut Self, &Member<'_>) -> Read,
    ) -> Read {
        let (mut seen, mut unknown): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        for member in members {
            let duplicate = Bad { reason: BadReason::DuplicateKey, offset: Some(member.at as u32) };
            let name = member.name.as_str();
            if known.contains(&name) {
                if seen.contains(&name) {
                    return Err(duplicate);
                }
                seen.push(name);
                each(self, member)?;
            } else {
                self.unknown_fields += 1;
                if unknown.len() < 16 && unknown.contains(&name) {
                    return Err(duplicate);
                }
                unknown.push(name);
            }
        }
        Ok(())
    }

    pub(crate) fn list(
        &mut self,
        member: &Member<'_>,
        marker: &str,
        to: &str,
        each: &mut dyn FnMut(&mut Self, &str, &[Member<'_>]) -> Read,
    ) -> Read {
        if deciding_list(member)?.is_none() {
            return Ok(());
        }
        self.put(marker, "0");
        let mut kept = 0;
        self.items(member, &mut |reader, item| {
            let to = format!("{to}[{kept}]");
            kept += 1;
            reader.put(&to, "");
            each(reader, &to, item)
        })
    }

    /// The objects of a list, up to the limit.
    pub(crate) fn items(
        &mut self,
        member: &Member<'_>,
        each: &mut dyn FnMut(&mut Self, &[Member<'_>]) -> Read,
    ) -> Read {
        for (at, item) in deciding_list(member)?.unwrap_or_default().iter().enumerate() {
            if at == self.limits.max_items {
                self.error("OutOfRange", member);
                break;
            }
            match &item.kind {
                Kind::Object(members) => each(self, members)?,
                _ => self.error("WrongType", member),
            }
        }
        Ok(())
    }

    pub(crate) fn put(&mut self, name: &str, text: &str) {
        let before = self.fields.insert(name.to_owned(), text.to_owned());
        assert_eq!(before, None, "{name} twice");
    }

    pub(crate) fn error(&mut self, reason: &str, member: &Member<'_>) {
        self.errors += 1;
        let at = format!("{reason}@Some({})", member.at);
        self.fields.entry("field_error".to_owned()).or_insert(at);
    }

    pub(crate) fn text(&mut self, name: &str, member: &Member<'_>) {
        match &member.value.kind {
            Kind::String(text) => self.put(name, text),
            Kind::Null => {}
            _ => self.error("WrongType", member),
        }
    }

    pub(crate) fn deciding_text(&mut self, name: &str, member: &Member<'_>) -> Read {
        if !matches!(member.value.kind, Kind::String(_) | Kind::Null) {
            return Err(wrong(member));
        }
        self.text(name, member);
        Ok(())
    }

    pub(crate) fn choice(&mut self, name: &str, member: &Member<'_>, known: &[&str]) {
        self.text(name, member);
        if let Kind::String(text) = &member.value.kind {
            self.unknown_values += u32::from(!known.contains(&text.as_str()));
        }
    }

    pub(crate) fn deciding_choice(&mut self, name: &str, member: &Member<'_>, known: &[&str]) -> Read {
        self.deciding_text(name, member)?;
        if let Kind::String(text) = &member.value.kind {
            self.unknown_values += u32::from(!known.contains(&text.as_str()));
        }
        Ok(())
    }

    pub(crate) fn id(&mut self, name: &str, member: &Member<'_>) {
        match natural(&member.value) {
            Some(number) => self.put(name, &number.to_string()),
            None => self.text(name, member),
        }
    }

    pub(crate) fn int(&mut self, name: &str, member: &Member<'_>) {
        let text = member.value.text;
        match member.value.kind {
            Kind::Null => {}
            Kind::Number if !text.contains(['.', 'e', 'E']) => match text.parse::<i64>() {
                Ok(number) => self.put(name, &number.to_string()),
                Err(_) => self.error("OutOfRange", member),
            },
            Kind::Number => {
                let number: f64 = text.parse().expect("a number");
                let in_range = number.abs() < 9_223_372_036_854_775_808.0;
                match (number.fract() == 0.0, in_range) {
                    (true, true) => self.put(name, &(number as i64).to_string()),
                    (true, false) => self.error("OutOfRange", member),
                    (false, _) => self.error("WrongType", member),
                }
            }
            _ => self.error("WrongType", member),
        }
    }

    pub(crate) fn price(&mut self, name: &str, member: &Member<'_>) {
        let text = member.value.text;
        match member.value.kind {
            Kind::Null => {}
            Kind::Number => {
                // Display of a double writes its shortest digits without an exponent.
                let is_exact = text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok();
                let digits = if is_exact {
                    text.to_owned()
                } else {
                    text.parse::<f64>().expect("a number").to_string()
                };
                let digits = if digits == "-0" { "0".to_owned() } else { digits };
                if Decimal::from_str_exact(&digits).is_ok() {
                    self.put(name, &digits);
                } else {
                    self.put(name, "out of range");
                    self.error("OutOfRange", member);
                }
            }
            _ => self.error("WrongType", member),
        }
    }

    pub(crate) fn sources(&mut self, name: &str, member: &Member<'_>) {
        let items = match &member.value.kind {
            Kind::Array(items) => items,
            Kind::Null => return,
            _ => return self.error("WrongType", member),
        };
        if items.len() > self.limits.max_items {
            self.error("OutOfRange", member);
        }
        let mut texts = Vec::new();
        for item in items.iter().take(self.limits.max_items) {
            if let Kind::String(text) = &item.kind {
                self.unknown_values += u32::from(!["text", "ocr"].contains(&text.as_str()));
                texts.push(text.as_str());
            } else {
                self.error("WrongType", member);
            }
        }
        self.put(name, &texts.join("\u{1f}"));
    }
}

pub(crate) fn wrong(member: &Member<'_>) -> Bad {
    Bad { reason: BadReason::WrongType, offset: Some(member.at as u32) }
}

pub(crate) fn natural(value: &Value<'_>) -> Option<u64> {
    match value.kind {
        Kind::Number if value.text == "-0" => Some(0),
        Kind::Number => value.text.parse().ok(),
        _ => None,
    }
}

pub(crate) fn deciding_object<'v, 'a>(member: &'v Member<'a>) -> Result<Option<&'v [Member<'a>]>, Bad> {
    match &member.value.kind {
        Kind::Object(members) => Ok(Some(members)),
        Kind::Null => Ok(None),
        _ => Err(wrong(member)),
    }
}

pub(crate) fn deciding_list<'v, 'a>(member: &'v Member<'a>) -> Result<Option<&'v [Value<'a>]>, Bad> {
    match &member.value.kind {
        Kind::Array(items) => Ok(Some(items)),
        Kind::Null => Ok(None),
        _ => Err(wrong(member)),
    }
}

pub(crate) fn tweet_id(member: &Member<'_>) -> Result<String, Bad> {
    match (&member.value.kind, natural(&member.value)) {
        (_, Some(number)) => Ok(number.to_string()),
        (Kind::String(text), _) if !text.is_empty() => Ok(text.clone()),
        (Kind::String(_) | Kind::Null, _) => {
            Err(Bad { reason: BadReason::Missing, offset: Some(member.at as u32) })
        }
        _ => Err(wrong(member)),
    }
}
