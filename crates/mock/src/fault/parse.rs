//! Reads a fault. An error says what is wrong and in which column.

use std::str::FromStr;

use super::action::{Action, StreamAction};
use super::words::{Argument, Word, duration, words};
use super::{Fault, When, Which};

/// A fault that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct FaultError {
    /// The column, in characters from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A piece of a specification and where it begins, in bytes.
#[derive(Clone, Copy)]
struct Piece<'a> {
    whole: &'a str,
    from: usize,
    to: usize,
}

impl<'a> Piece<'a> {
    fn text(self) -> &'a str {
        &self.whole[self.from..self.to]
    }

    fn error(self, message: impl Into<String>) -> FaultError {
        FaultError { column: self.whole[..self.from].chars().count() + 1, message: message.into() }
    }

    /// The pieces before and after the first of these characters.
    fn split(self, at: char) -> (Self, Option<Self>) {
        match self.text().find(at) {
            Some(place) => {
                let middle = self.from + place;
                (Self { to: middle, ..self }, Some(Self { from: middle + at.len_utf8(), ..self }))
            }
            None => (self, None),
        }
    }
}

/// What the triggers read so far ask for.
#[derive(Default)]
struct Triggers {
    conns: Option<(u64, u64)>,
    until: Option<std::time::Duration>,
    when: Option<When>,
    chance: Option<u64>,
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let whole = Piece { whole: text, from: 0, to: text.len() };
        // No argument can hold a colon, so the first one ends the triggers.
        let (before, after) = whole.split(':');
        let (triggers, action) = match after {
            Some(action) => (Some(before), action),
            None if text.contains('=') && !text.contains('(') => {
                let end = Piece { from: text.len(), ..whole };
                return Err(
                    end.error("an action is missing: write a colon and an action, as in after=200:rst")
                );
            }
            None => (None, whole),
        };
        let (word, action) = read_action(action)?;
        let mut found = Triggers::default();
        let mut rest = triggers;
        while let Some(piece) = rest {
            let (trigger, next) = piece.split(',');
            found.read(trigger, word, &action)?;
            rest = next;
        }
        let (first, last) = found.conns.unwrap_or((1, u64::MAX));
        let when = found.when.unwrap_or(match (&action, found.chance) {
            (Action::Connection(_), _) | (Action::Stream(_), None) => When::After(0),
            (Action::Stream(_), Some(_)) | (Action::Frame(_), _) => When::Every(1),
        });
        Ok(Self {
            which: Which { first, last, until: found.until },
            when,
            chance: found.chance,
            action,
            text: text.into(),
        })
    }
}

fn read_action(piece: Piece<'_>) -> Result<(&'static Word, Action), FaultError> {
    let (name, inside) = piece.split('(');
    let Some(word) = words().find(|word| word.name == name.text()) else {
        let names: Vec<&str> = words().map(|word| word.name).collect();
        let known = names.join(", ");
        return Err(name.error(format!("`{}` is not an action; the actions are {known}", name.text())));
    };
    let write = |problem: &str| format!("{problem}: write {}", word.form);
    let argument = match inside {
        None => None,
        Some(inside) => {
            let (argument, after) = inside.split(')');
            let end = Piece { from: piece.to, ..piece };
            let after = after.ok_or_else(|| end.error(write("a closing bracket is missing")))?;
            if !after.text().is_empty() {
                return Err(after.error(write("nothing may follow the action")));
            }
            Some(argument)
        }
    };
    let place = argument.unwrap_or(name);
    let action = (word.read)(Argument(argument.map(Piece::text)));
    action.map(|action| (word, action)).map_err(|problem| place.error(write(&problem)))
}

impl Triggers {
    fn read(&mut self, piece: Piece<'_>, word: &Word, action: &Action) -> Result<(), FaultError> {
        const KNOWN: &str = "after=N, every=N, at=TIME, end, p=X, conn=N, first=N, until=TIME";
        let (name, value) = piece.split('=');
        let value = |form: &str| {
            let value = value.filter(|value| !value.text().is_empty());
            value.ok_or_else(|| piece.error(format!("a value is missing: write {form}")))
        };
        let when = match name.text() {
            "after" => When::After(number(value("after=N")?, 0)?),
            "every" => When::Every(number(value("every=N")?, 1)?),
            "at" => When::At(time(value("at=TIME")?)?),
            "end" if piece.text() == "end" => When::End,
            "end" => return Err(piece.error("`end` takes no value")),
            "p" => {
                let chance = chance(value("p=X")?)?;
                return once(&mut self.chance, chance, piece, "a second chance");
            }
            "until" => {
                let until = time(value("until=TIME")?)?;
                return once(&mut self.until, until, piece, "a second `until`");
            }
            "conn" => {
                let range = range(value("conn=N, conn=N-M or conn=N-")?)?;
                return once(&mut self.conns, range, piece, "`conn` and `first` exclude each other");
            }
            "first" => {
                let last = number(value("first=N")?, 1)?;
                return once(&mut self.conns, (1, last), piece, "`conn` and `first` exclude each other");
            }
            _ => {
                return Err(
                    piece.error(format!("`{}` is not a trigger; the triggers are {KNOWN}", piece.text()))
                );
            }
        };
        let refusal = match action {
            Action::Connection(_) => Some(format!(
                "`{}` is decided when a connection is asked for; it takes conn, first, until and p only",
                word.name
            )),
            Action::Stream(StreamAction::Half) | Action::Frame(_) if when == When::End => {
                Some(format!("`{}` acts on a frame, and there is none after the end", word.name))
            }
            Action::Stream(_) | Action::Frame(_) => None,
        };
        if let Some(message) = refusal {
            return Err(piece.error(message));
        }
        once(&mut self.when, when, piece, "only one of after, every, at and end says when")
    }
}

fn once<T>(place: &mut Option<T>, value: T, piece: Piece<'_>, twice: &str) -> Result<(), FaultError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(piece.error(twice)),
    }
}

fn number(piece: Piece<'_>, least: u64) -> Result<u64, FaultError> {
    let number = piece.text().parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| piece.error(format!("`{}` is not a number of at least {least}", piece.text())))
}

fn time(piece: Piece<'_>) -> Result<std::time::Duration, FaultError> {
    duration(piece.text()).map_err(|problem| piece.error(problem))
}

fn chance(piece: Piece<'_>) -> Result<u64, FaultError> {
    let chance = piece.text().parse::<f64>().ok().filter(|chance| *chance > 0.0 && *chance <= 1.0);
    let chance = chance.ok_or_else(|| {
        piece.error(format!(
            "`{}` is not a chance: write a number above 0 and up to 1, such as 0.01",
            piece.text()
        ))
    })?;
    // An integer, so that the same draw decides alike on every machine.
    Ok((chance * 2_f64.powi(32)) as u64)
}

fn range(piece: Piece<'_>) -> Result<(u64, u64), FaultError> {
    let (first, last) = piece.split('-');
    let from = number(first, 1)?;
    let to = match last {
        None => from,
        Some(last) if last.text().is_empty() => u64::MAX,
        Some(last) => number(last, from)?,
    };
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::action::{ConnectionAction, FrameAction, Rubbish};
    use super::*;

    fn read(text: &str) -> Fault {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn every_action_is_read_in_each_of_its_forms() {
        let s = Duration::from_secs;
        let two = std::num::NonZeroUsize::new(2).unwrap();
        let actions: [(&str, Action); 35] = [
            ("refuse(429)", ConnectionAction::Refuse(429).into()),
            ("html", ConnectionAction::Html.into()),
            ("subprotocol(chat.v2)", ConnectionAction::Subprotocol("chat.v2".to_owned()).into()),
            ("endless-head", ConnectionAction::EndlessHead.into()),
            ("silent-head", ConnectionAction::SilentHead.into()),
            ("late-slot(90s)", ConnectionAction::LateSlot(s(90)).into()),
            ("replay(20)", ConnectionAction::Replay(20).into()),
            ("fin", StreamAction::Fin.into()),
            ("rst", StreamAction::Rst.into()),
            ("close", StreamAction::Close(None).into()),
            ("close(4029)", StreamAction::Close(Some(4029)).into()),
            ("stall", StreamAction::Stall(None).into()),
            ("stall(10s)", StreamAction::Stall(Some(s(10))).into()),
            ("freeze", StreamAction::Freeze(None).into()),
            ("freeze(1m)", StreamAction::Freeze(Some(s(60))).into()),
            ("no-pong", StreamAction::NoPong.into()),
            ("slow(2K)", StreamAction::Slow(2048).into()),
            ("skew(-5m)", StreamAction::Skew(-300_000).into()),
            ("skew(1h)", StreamAction::Skew(3_600_000).into()),
            ("half", StreamAction::Half.into()),
            ("claim(4G)", StreamAction::Claim(4 << 30).into()),
            ("endless", StreamAction::Endless.into()),
            ("hollow", StreamAction::Hollow.into()),
            ("long(17M)", StreamAction::Long(17 << 20).into()),
            ("rubbish(json)", StreamAction::Rubbish(Rubbish::Json).into()),
            ("rubbish(utf8)", StreamAction::Rubbish(Rubbish::Utf8).into()),
            ("rubbish(binary)", StreamAction::Rubbish(Rubbish::Binary).into()),
            ("dup", FrameAction::Dup(1).into()),
            ("dup(3)", FrameAction::Dup(3).into()),
            ("late(4)", FrameAction::Late(4).into()),
            ("meta-first(9)", FrameAction::MetaFirst(9).into()),
            ("fragment(2)", FrameAction::Fragment(two).into()),
            ("rsv", FrameAction::Rsv.into()),
            ("masked", FrameAction::Masked.into()),
            ("compressed", FrameAction::Compressed.into()),
        ];
        for (text, action) in actions {
            let fault = read(text);
            assert_eq!((fault.action.clone(), fault.to_string().as_str()), (action, text));
        }
    }

    #[test]
    fn triggers_say_when_and_on_which_connections() {
        let all = Which { first: 1, last: u64::MAX, until: None };
        for (text, which, when, chance) in [
            ("rst", all, When::After(0), None),
            ("dup", all, When::Every(1), None),
            ("after=200:rst", all, When::After(200), None),
            ("every=1000:close(1012)", all, When::Every(1000), None),
            ("at=5s:stall(10s)", all, When::At(Duration::from_secs(5)), None),
            ("end:close(1000)", all, When::End, None),
            ("p=0.5:fin", all, When::Every(1), Some(1 << 31)),
            ("p=1,after=3:dup", all, When::After(3), Some(1 << 32)),
            ("first=3:refuse(429)", Which { last: 3, ..all }, When::After(0), None),
            ("conn=2,after=50:half", Which { first: 2, last: 2, until: None }, When::After(50), None),
            ("conn=2-4:html", Which { first: 2, last: 4, until: None }, When::After(0), None),
            ("conn=2-:html", Which { first: 2, ..all }, When::After(0), None),
            (
                "until=30s:refuse(503)",
                Which { until: Some(Duration::from_secs(30)), ..all },
                When::After(0),
                None,
            ),
        ] {
            let fault = read(text);
            assert_eq!((fault.which, fault.when, fault.chance), (which, when, chance), "{text}");
        }
    }

    #[test]
    fn mistakes_come_with_their_column_and_what_would_be_right() {
        for (text, column, part) in [
            ("", 1, "`` is not an action; the actions are refuse, html,"),
            ("after=200", 10, "as in after=200:rst"),
            ("after=200:", 11, "is not an action"),
            ("after=200:rts", 11, "`rts` is not an action"),
            ("after=200:rst(1)", 15, "(1) is too much: write rst"),
            ("refuse", 1, "write refuse(STATUS)"),
            ("refuse()", 8, "write refuse(STATUS)"),
            ("refuse(200)", 8, "`200` is not a number from 400 to 599"),
            ("refuse(429", 11, "closing bracket"),
            ("refuse(429)x", 12, "nothing may follow"),
            ("close(1006)", 7, "`1006` is not a code that can be sent: write close(CODE) or close"),
            ("stall(10)", 7, "`10` is not a time"),
            ("slow(0)", 6, "such as 512 or 2M"),
            ("long(1T)", 6, "such as 512 or 2M"),
            ("subprotocol(a b)", 13, "letters, digits"),
            ("rubbish(xml)", 9, "not one of json, utf8, binary"),
            ("after=x:rst", 7, "`x` is not a number of at least 0"),
            ("every=0:rst", 7, "`0` is not a number of at least 1"),
            ("after=:rst", 1, "write after=N"),
            ("at=5:rst", 4, "`5` is not a time"),
            ("p=2:rst", 3, "such as 0.01"),
            ("p=0:rst", 3, "such as 0.01"),
            ("p=NaN:rst", 3, "such as 0.01"),
            ("conn=0:rst", 6, "at least 1"),
            ("conn=4-2:rst", 8, "at least 4"),
            ("soon=1:rst", 1, "the triggers are after=N, every=N"),
            ("end=1:rst", 1, "takes no value"),
            ("after=1,:rst", 9, "is not a trigger"),
            ("after=1,every=2:rst", 9, "only one of after, every, at and end"),
            ("conn=1,first=2:rst", 8, "exclude each other"),
            ("p=0.1,p=0.2:rst", 7, "second chance"),
            ("after=5:refuse(429)", 1, "conn, first, until and p only"),
            ("end:dup", 1, "none after the end"),
            ("end:half", 1, "none after the end"),
            ("nach=ü,after=1:rst", 1, "is not a trigger"),
            ("conn=1,ü=1:rst", 8, "is not a trigger"),
        ] {
            let error = text.parse::<Fault>().unwrap_err();
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.message.contains(part), "{text}: {error}");
        }
    }
}
