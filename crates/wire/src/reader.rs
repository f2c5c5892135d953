//! Reads single values: which types a member may have, and what happens if it has another.

use std::fmt::Write;

use simd_json::{Node, StaticNode};
use stoop_model::{
    Bad, BadReason, Event, FieldError, FieldErrorReason, Price, SOURCE_SEPARATOR, Span, TweetId, Unknowns,
};

use crate::fingerprint::Cut;
use crate::members::{Items, Member, Members};
use crate::price;
use crate::source::Source;

/// Unknown members of one object that are compared with each other; further ones are only counted. Comparing them all
/// would take time that grows with the square of a number the sender chooses.
const UNKNOWN_COMPARED: u32 = 16;

/// The state while one element is read.
///
/// The event's string buffer will be the whole parsed copy, texts unescaped in place: the span of a text is its
/// position there. Texts that are not in the copy go to `extra`, which will follow it.
pub(crate) struct Reader<'e> {
    pub(crate) unknowns: Unknowns,
    /// Where the payload's own `receivedAt` is.
    pub(crate) cut: Option<Cut>,
    /// Address and length of the parsed copy, and the number of bytes before it in the frame.
    base: usize,
    len: u32,
    shift: usize,
    extra: &'e mut String,
    max_items: usize,
    field_errors: u32,
    field_error: Option<FieldError>,
}

/// A list in a payload.
#[derive(Clone, Copy)]
pub(crate) struct List<'t, 'f> {
    name: &'f str,
    /// The nodes of its items.
    items: &'t [Node<'f>],
}

impl<'e> Reader<'e> {
    /// Clears `extra`.
    pub(crate) fn new(source: &Source<'_>, extra: &'e mut String, max_items: usize) -> Self {
        extra.clear();
        let Source { bytes, base, shift, .. } = *source;
        Self {
            unknowns: Unknowns::default(),
            cut: None,
            base,
            len: bytes.len() as u32,
            shift,
            extra,
            max_items,
            field_errors: 0,
            field_error: None,
        }
    }

    pub(crate) fn finish(self, event: &mut Event) {
        event.unknowns = self.unknowns;
        event.field_errors = self.field_errors;
        event.field_error = self.field_error;
    }

    /// Where a text begins in the parsed copy.
    #[inline]
    fn offset(&self, text: &str) -> usize {
        text.as_ptr().addr().wrapping_sub(self.base)
    }

    /// Where the opening quote of `name` is in the parsed copy.
    #[inline]
    pub(crate) fn quote(&self, name: &str) -> usize {
        self.offset(name).wrapping_sub(1)
    }

    /// The member `name` makes the frame bad.
    #[cold]
    pub(crate) fn bad(&self, reason: BadReason, name: &str) -> Bad {
        Bad { reason, offset: Some((self.quote(name) + self.shift) as u32) }
    }

    /// The member `name` is left out.
    #[cold]
    pub(crate) fn leave_out(&mut self, reason: FieldErrorReason, name: &str) {
        self.field_errors += 1;
        let offset = Some((self.quote(name) + self.shift) as u32);
        // The first one only: it is for people, the count is for alarms.
        self.field_error.get_or_insert(FieldError { reason, offset });
    }

    /// Counts `name`, the `nth` unknown member of `object`. A name that occurs twice makes the frame bad.
    #[cold]
    pub(crate) fn count_unknown(&mut self, object: &[Node<'_>], name: &str, nth: u32) -> Result<(), Bad> {
        self.unknowns.fields += 1;
        let mut earlier = Members(object);
        // Known members occur once each, so the ones before this are few.
        while nth <= UNKNOWN_COMPARED && !std::ptr::eq(earlier.peek().name(), name) {
            if earlier.pop().name() == name {
                return Err(self.bad(BadReason::DuplicateKey, name));
            }
        }
        Ok(())
    }

    /// Notes that the next member is the payload's own `receivedAt`, which the fingerprint leaves out.
    #[inline]
    pub(crate) fn cut_out(&mut self, members: &Members<'_, '_>) {
        let member = members.peek();
        let next =
            Members(member.after()).is_more().then(|| self.quote(Members(member.after()).peek().name()));
        self.cut = Some(Cut { quote: self.quote(member.name()), next });
    }

    /// The span of a text of the parsed copy.
    #[inline]
    fn span(&self, text: &str) -> Span {
        Span { start: self.offset(text) as u32, len: text.len() as u32 }
    }

    /// Ends a text of `extra` that began where it had `start` bytes.
    fn end_extra(&self, start: usize) -> Span {
        Span { start: self.len + start as u32, len: (self.extra.len() - start) as u32 }
    }

    /// Keeps a text that is not in the parsed copy.
    pub(crate) fn push(&mut self, text: &str) -> Span {
        let start = self.extra.len();
        self.extra.push_str(text);
        self.end_extra(start)
    }

    #[cold]
    fn push_number(&mut self, number: u64) -> Span {
        let start = self.extra.len();
        // Writing to a `String` cannot fail, so there is nothing to report.
        write!(self.extra, "{number}").unwrap_or_default();
        self.end_extra(start)
    }

    /// A text that may be left out.
    #[inline]
    pub(crate) fn text(&mut self, members: &mut Members<'_, '_>) -> Option<Span> {
        self.choice(members, |_| true)
    }

    /// A text that decides what the frame means.
    #[inline]
    pub(crate) fn deciding_text(&mut self, members: &mut Members<'_, '_>) -> Result<Option<Span>, Bad> {
        self.deciding_choice(members, |_| true)
    }

    /// A text that may be left out, and is counted if it is not one of the known values.
    #[inline]
    pub(crate) fn choice(
        &mut self,
        members: &mut Members<'_, '_>,
        known: impl Fn(&[u8]) -> bool,
    ) -> Option<Span> {
        // One pattern reads value and successor, so that the usual member costs one bounds check.
        if let [_, Node::String(text), after @ ..] = members.0 {
            members.0 = after;
            self.unknowns.values += u32::from(!known(text.as_bytes()));
            return Some(self.span(text));
        }
        self.null_or_left_out(members.pop());
        None
    }

    /// A text that decides what the frame means, and is counted if it is not one of the known values.
    #[inline]
    pub(crate) fn deciding_choice(
        &mut self,
        members: &mut Members<'_, '_>,
        known: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<Span>, Bad> {
        if let [_, Node::String(text), after @ ..] = members.0 {
            members.0 = after;
            self.unknowns.values += u32::from(!known(text.as_bytes()));
            return Ok(Some(self.span(text)));
        }
        self.null_or_bad(members.pop())?;
        Ok(None)
    }

    /// An id that may be left out: a text, or a number kept as its digits.
    #[inline]
    pub(crate) fn id(&mut self, members: &mut Members<'_, '_>) -> Option<Span> {
        match natural(members.peek().value()) {
            Some(number) => {
                members.pop();
                Some(self.push_number(number))
            }
            None => self.text(members),
        }
    }

    /// An id that decides what the frame means: a text, or a number kept as its digits.
    #[inline]
    pub(crate) fn deciding_id(&mut self, members: &mut Members<'_, '_>) -> Result<Option<Span>, Bad> {
        match natural(members.peek().value()) {
            Some(number) => {
                members.pop();
                Ok(Some(self.push_number(number)))
            }
            None => self.deciding_text(members),
        }
    }

    /// The tweet a frame is about: a text that is not empty, or a number.
    #[inline]
    pub(crate) fn tweet_id(&mut self, member: Member<'_, '_>) -> Result<TweetId, Bad> {
        match member.value() {
            Node::String(text) if !text.is_empty() => Ok(TweetId::parse(text)),
            Node::String(_) | Node::Static(StaticNode::Null) => {
                Err(self.bad(BadReason::Missing, member.name()))
            }
            Node::Static(_) | Node::Object { .. } | Node::Array { .. } => match natural(member.value()) {
                Some(number) => Ok(TweetId::Number(number)),
                None => Err(self.bad(BadReason::WrongType, member.name())),
            },
        }
    }

    /// A tweet id that may be left out.
    pub(crate) fn optional_tweet_id(&mut self, member: Member<'_, '_>) -> Option<TweetId> {
        match self.tweet_id(member) {
            Ok(id) => Some(id),
            Err(Bad { reason: BadReason::Missing, .. }) => None,
            Err(_) => {
                self.leave_out(FieldErrorReason::WrongType, member.name());
                None
            }
        }
    }

    /// A count or a time: an integer, or a float with an integral value.
    #[inline]
    pub(crate) fn int(&mut self, members: &mut Members<'_, '_>) -> Option<i64> {
        if let [_, Node::Static(StaticNode::U64(number)), after @ ..] = members.0
            && let Ok(number) = i64::try_from(*number)
        {
            members.0 = after;
            return Some(number);
        }
        self.rare_int(members.pop())
    }

    /// A separate function, so that the usual case stays small enough to be inlined at every member.
    #[cold]
    fn rare_int(&mut self, member: Member<'_, '_>) -> Option<i64> {
        // The first double above `i64::MAX`. The one equal to `i64::MIN` may stand for smaller integers, so it is
        // refused.
        const END: f64 = 9_223_372_036_854_775_808.0;
        let reason = match member.value() {
            Node::Static(StaticNode::Null) => return None,
            Node::Static(StaticNode::I64(number)) => return Some(*number),
            Node::Static(StaticNode::F64(number)) if number.fract() != 0.0 => FieldErrorReason::WrongType,
            Node::Static(StaticNode::F64(number)) if number.abs() < END => return Some(*number as i64),
            Node::Static(StaticNode::F64(_) | StaticNode::U64(_)) => FieldErrorReason::OutOfRange,
            Node::Static(StaticNode::Bool(_))
            | Node::String(_)
            | Node::Object { .. }
            | Node::Array { .. } => FieldErrorReason::WrongType,
        };
        self.leave_out(reason, member.name());
        None
    }

    /// A price that may be left out. One that no decimal can hold is kept as such and counted.
    pub(crate) fn price(&mut self, member: Member<'_, '_>) -> Option<Price> {
        let price = match member.value() {
            Node::Static(value) => price::of(value),
            Node::String(_) | Node::Object { .. } | Node::Array { .. } => None,
        };
        match price {
            Some(Price::Usd(_)) => {}
            Some(Price::OutOfRange) => self.leave_out(FieldErrorReason::OutOfRange, member.name()),
            None => self.null_or_left_out(member),
        }
        price
    }

    /// `sources`: its texts in one string. Entries that are not texts are left out.
    pub(crate) fn sources(&mut self, member: Member<'_, '_>) -> Option<Span> {
        let Node::Array { len, .. } = member.value() else {
            self.null_or_left_out(member);
            return None;
        };
        // The first ones are kept: a field error says that there were more.
        if *len > self.max_items {
            self.leave_out(FieldErrorReason::OutOfRange, member.name());
        }
        let (start, mut first) = (self.extra.len(), true);
        for (item, _) in Items(member.body()).take(self.max_items) {
            let Node::String(text) = item else {
                self.leave_out(FieldErrorReason::WrongType, member.name());
                continue;
            };
            if !std::mem::take(&mut first) {
                self.extra.push(SOURCE_SEPARATOR);
            }
            self.extra.push_str(text);
            self.unknowns.values += u32::from(!matches!(text.as_bytes(), b"text" | b"ocr"));
        }
        Some(self.end_extra(start))
    }

    /// The nodes of an object that may be left out.
    #[inline]
    pub(crate) fn object<'t, 'f>(&mut self, member: Member<'t, 'f>) -> Option<&'t [Node<'f>]> {
        if let Node::Object { .. } = member.value() {
            return Some(member.body());
        }
        self.null_or_left_out(member);
        None
    }

    /// The nodes of an object that decides what the frame means.
    #[inline]
    pub(crate) fn deciding_object<'t, 'f>(
        &self,
        member: Member<'t, 'f>,
    ) -> Result<Option<&'t [Node<'f>]>, Bad> {
        if let Node::Object { .. } = member.value() {
            return Ok(Some(member.body()));
        }
        self.null_or_bad(member)?;
        Ok(None)
    }

    /// A list, which decides what the frame means.
    #[inline]
    pub(crate) fn list<'t, 'f>(&self, member: Member<'t, 'f>) -> Result<Option<List<'t, 'f>>, Bad> {
        if let Node::Array { .. } = member.value() {
            return Ok(Some(List { name: member.name(), items: member.body() }));
        }
        self.null_or_bad(member)?;
        Ok(None)
    }

    /// Calls `each` with the nodes of every object in a list. Other items, and those over the limit, are left out.
    #[inline]
    pub(crate) fn objects<'t, 'f>(
        &mut self,
        list: List<'t, 'f>,
        mut each: impl FnMut(&mut Self, &'t [Node<'f>]) -> Result<(), Bad>,
    ) -> Result<(), Bad> {
        for (at, (item, body)) in Items(list.items).enumerate() {
            if at == self.max_items {
                self.leave_out(FieldErrorReason::OutOfRange, list.name);
                break;
            }
            match item {
                Node::Object { .. } => each(self, body)?,
                Node::String(_) | Node::Array { .. } | Node::Static(_) => {
                    self.leave_out(FieldErrorReason::WrongType, list.name);
                }
            }
        }
        Ok(())
    }

    /// `member` is left out because of its type, unless it is null.
    #[cold]
    fn null_or_left_out(&mut self, member: Member<'_, '_>) {
        if !is_null(member.value()) {
            self.leave_out(FieldErrorReason::WrongType, member.name());
        }
    }

    /// `member` makes the frame bad because of its type, unless it is null.
    #[cold]
    fn null_or_bad(&self, member: Member<'_, '_>) -> Result<(), Bad> {
        if is_null(member.value()) { Ok(()) } else { Err(self.bad(BadReason::WrongType, member.name())) }
    }
}

#[inline]
pub(crate) fn is_null(node: &Node<'_>) -> bool {
    matches!(node, Node::Static(StaticNode::Null))
}

/// A whole number that is not negative. `-0` is one: the sign of a zero means nothing here.
#[inline]
fn natural(node: &Node<'_>) -> Option<u64> {
    match node {
        Node::Static(StaticNode::U64(number)) => Some(*number),
        Node::Static(StaticNode::I64(0)) => Some(0),
        Node::Static(_) | Node::String(_) | Node::Object { .. } | Node::Array { .. } => None,
    }
}
