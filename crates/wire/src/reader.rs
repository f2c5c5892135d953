//! Reads single values: which types a member may have, and what happens when it has another.

use std::fmt::Write;

use simd_json::{Node, StaticNode};
use stoop_model::{
    Bad, BadReason, Event, FieldError, FieldErrorReason, Price, SOURCE_SEPARATOR, Span, TweetId, Unknowns,
};

use crate::fingerprint::Cut;
use crate::members::{Items, Member};
use crate::price;
use crate::source::Source;

/// What is written while one element is read. It holds the event's string buffer meanwhile, so that the parts of
/// the event can be filled beside it.
///
/// The buffer begins with the text of the whole element, copied at once: the span of a text without escapes is its
/// place there. Texts with escapes are appended as they read without them.
pub(crate) struct Reader<'s> {
    pub(crate) strings: String,
    pub(crate) unknowns: Unknowns,
    /// Where the payload's own `receivedAt` is.
    pub(crate) cut: Option<Cut>,
    /// The source's bytes and, as in it, the address of their parsed copy and what the frame has before them.
    bytes: &'s [u8],
    base: usize,
    shift: usize,
    /// Where the element begins in the source.
    start: usize,
    max_items: usize,
    field_errors: u32,
    field_error: Option<FieldError>,
}

impl<'s> Reader<'s> {
    /// Takes the event's string buffer, which is empty; [`Self::finish`] puts it back.
    pub(crate) fn new(
        event: &mut Event,
        source: &Source<'s>,
        (start, end): (usize, usize),
        max_items: usize,
    ) -> Self {
        let mut strings = std::mem::take(&mut event.strings);
        strings.push_str(source.text.get(start..end).unwrap_or_default());
        let (unknowns, cut) = (Unknowns::default(), None);
        let Source { text, base, shift, .. } = *source;
        let (bytes, field_errors, field_error) = (text.as_bytes(), 0, None);
        Self { strings, unknowns, cut, bytes, base, shift, start, max_items, field_errors, field_error }
    }

    pub(crate) fn finish(self, event: &mut Event) {
        event.strings = self.strings;
        event.unknowns = self.unknowns;
        event.field_errors = self.field_errors;
        event.field_error = self.field_error;
    }

    /// Where a text of the parsed copy begins.
    #[inline]
    fn offset(&self, text: &str) -> usize {
        text.as_ptr().addr().wrapping_sub(self.base)
    }

    /// Where the opening quote of `name` is in the parsed buffer.
    #[inline]
    pub(crate) fn quote(&self, name: &str) -> usize {
        self.offset(name).wrapping_sub(1)
    }

    /// The frame cannot be used, because of the member `name`.
    #[cold]
    pub(crate) fn bad(&self, reason: BadReason, name: &str) -> Bad {
        Bad { reason, offset: Some((self.quote(name) + self.shift) as u32) }
    }

    /// The member `name` is left out.
    #[cold]
    pub(crate) fn leave_out(&mut self, reason: FieldErrorReason, name: &str) {
        self.field_errors += 1;
        let offset = Some((self.quote(name) + self.shift) as u32);
        self.field_error.get_or_insert(FieldError { reason, offset });
    }

    /// Notes the payload's own `receivedAt`, which the fingerprint leaves out.
    #[inline]
    pub(crate) fn cut_out(&mut self, member: Member<'_, '_>) {
        let next = member.following().map(|name| self.quote(name));
        self.cut = Some(Cut { quote: self.quote(member.name()), next });
    }

    /// The span of a text of the parsed frame.
    #[inline]
    fn span(&mut self, text: &str) -> Span {
        let at = self.offset(text);
        let end = at.wrapping_add(text.len());
        // With an escape in it the text is shorter than its original, so that what stands at its end there is either
        // no quote, or a quote after a backslash.
        if let Some([last, b'"']) = self.bytes.get(end.wrapping_sub(1)..).and_then(<[u8]>::first_chunk)
            && *last != b'\\'
        {
            return Span { start: at.wrapping_sub(self.start) as u32, len: text.len() as u32 };
        }
        self.push(text)
    }

    #[cold]
    fn push(&mut self, text: &str) -> Span {
        Span::push(&mut self.strings, text)
    }

    fn push_number(&mut self, number: u64) -> Span {
        let start = self.strings.len() as u32;
        // Writing to a `String` cannot fail.
        write!(self.strings, "{number}").unwrap_or_default();
        Span { start, len: self.strings.len() as u32 - start }
    }

    /// A text that may be left out.
    #[inline]
    pub(crate) fn text(&mut self, member: Member<'_, '_>) -> Option<Span> {
        if let Node::String(text) = member.value() {
            Some(self.span(text))
        } else {
            self.no_text(member.name(), member.value())
        }
    }

    #[cold]
    fn no_text(&mut self, name: &str, value: &Node<'_>) -> Option<Span> {
        if !is_null(value) {
            self.leave_out(FieldErrorReason::WrongType, name);
        }
        None
    }

    /// A text that decides what the frame means.
    #[inline]
    pub(crate) fn deciding_text(&mut self, member: Member<'_, '_>) -> Result<Option<Span>, Bad> {
        if let Node::String(text) = member.value() {
            Ok(Some(self.span(text)))
        } else {
            self.null_or_bad(member.name(), member.value())
        }
    }

    /// A text that may be left out and is counted if it is none of the known values.
    #[inline]
    pub(crate) fn choice(&mut self, member: Member<'_, '_>, known: impl Fn(&[u8]) -> bool) -> Option<Span> {
        let span = self.text(member);
        self.count_choice(member, known);
        span
    }

    /// A text that decides what the frame means and is counted if it is none of the known values.
    #[inline]
    pub(crate) fn deciding_choice(
        &mut self,
        member: Member<'_, '_>,
        known: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<Span>, Bad> {
        let span = self.deciding_text(member)?;
        self.count_choice(member, known);
        Ok(span)
    }

    #[inline]
    fn count_choice(&mut self, member: Member<'_, '_>, known: impl Fn(&[u8]) -> bool) {
        if let Node::String(text) = member.value()
            && !known(text.as_bytes())
        {
            self.unknowns.values += 1;
        }
    }

    /// An id that may be left out: a text, or a number kept as its digits.
    #[inline]
    pub(crate) fn id(&mut self, member: Member<'_, '_>) -> Option<Span> {
        match natural(member.value()) {
            Some(number) => Some(self.push_number(number)),
            None => self.text(member),
        }
    }

    /// An id that decides what the frame means: a text, or a number kept as its digits.
    #[inline]
    pub(crate) fn deciding_id(&mut self, member: Member<'_, '_>) -> Result<Option<Span>, Bad> {
        match natural(member.value()) {
            Some(number) => Ok(Some(self.push_number(number))),
            None => self.deciding_text(member),
        }
    }

    /// The tweet a frame is about: a text that is not empty, or a number.
    #[inline]
    pub(crate) fn tweet_id(&mut self, member: Member<'_, '_>) -> Result<TweetId, Bad> {
        match (member.value(), natural(member.value())) {
            (_, Some(number)) => Ok(TweetId::Number(number)),
            (Node::String(text), None) if !text.is_empty() => Ok(TweetId::parse(text)),
            (Node::String(_) | Node::Static(StaticNode::Null), None) => {
                Err(self.bad(BadReason::Missing, member.name()))
            }
            (_, None) => Err(self.bad(BadReason::WrongType, member.name())),
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
    pub(crate) fn int(&mut self, member: Member<'_, '_>) -> Option<i64> {
        if let Node::Static(StaticNode::U64(number)) = member.value()
            && let Ok(number) = i64::try_from(*number)
        {
            return Some(number);
        }
        self.rare_int(member.name(), member.value())
    }

    #[cold]
    fn rare_int(&mut self, name: &str, value: &Node<'_>) -> Option<i64> {
        // The first double above `i64::MAX`.
        const END: f64 = 9_223_372_036_854_775_808.0;
        let Node::Static(value) = value else {
            self.leave_out(FieldErrorReason::WrongType, name);
            return None;
        };
        match value {
            StaticNode::I64(number) => return Some(*number),
            StaticNode::F64(number) if number.fract() == 0.0 && (-END..END).contains(number) => {
                return Some(*number as i64);
            }
            StaticNode::U64(_) => self.leave_out(FieldErrorReason::OutOfRange, name),
            StaticNode::F64(number) if number.fract() == 0.0 => {
                self.leave_out(FieldErrorReason::OutOfRange, name);
            }
            StaticNode::F64(_) | StaticNode::Bool(_) => {
                self.leave_out(FieldErrorReason::WrongType, name);
            }
            StaticNode::Null => {}
        }
        None
    }

    /// A price that may be left out.
    pub(crate) fn price(&mut self, member: Member<'_, '_>) -> Option<Price> {
        let number = match member.value() {
            Node::Static(value) => price::of(value),
            Node::String(_) | Node::Object { .. } | Node::Array { .. } => None,
        };
        if number.is_none() && !is_null(member.value()) {
            self.leave_out(FieldErrorReason::WrongType, member.name());
        }
        number
    }

    /// `sources`: its texts in one string. Entries that are no text are left out.
    pub(crate) fn sources(&mut self, member: Member<'_, '_>) -> Option<Span> {
        let Node::Array { len, .. } = member.value() else {
            return self.no_text(member.name(), member.value());
        };
        if *len > self.max_items {
            self.leave_out(FieldErrorReason::OutOfRange, member.name());
        }
        let (start, mut first) = (self.strings.len(), true);
        for (item, _) in Items(member.body()).take(self.max_items) {
            let Node::String(text) = item else {
                self.leave_out(FieldErrorReason::WrongType, member.name());
                continue;
            };
            if !std::mem::take(&mut first) {
                self.strings.push(SOURCE_SEPARATOR);
            }
            self.strings.push_str(text);
            self.unknowns.values += u32::from(!matches!(text.as_bytes(), b"text" | b"ocr"));
        }
        Some(Span { start: start as u32, len: (self.strings.len() - start) as u32 })
    }

    /// The nodes of an object that may be left out.
    #[inline]
    pub(crate) fn object<'t, 'f>(&mut self, member: Member<'t, 'f>) -> Option<&'t [Node<'f>]> {
        if let Node::Object { .. } = member.value() {
            return Some(member.body());
        }
        self.no_text(member.name(), member.value());
        None
    }

    /// The nodes of an object that decides what the frame means.
    #[inline]
    pub(crate) fn deciding_object<'t, 'f>(
        &self,
        member: Member<'t, 'f>,
    ) -> Result<Option<&'t [Node<'f>]>, Bad> {
        if let Node::Object { .. } = member.value() {
            Ok(Some(member.body()))
        } else {
            self.null_or_bad(member.name(), member.value())
        }
    }

    /// The nodes of a list.
    #[inline]
    pub(crate) fn list<'t, 'f>(&self, member: Member<'t, 'f>) -> Result<Option<&'t [Node<'f>]>, Bad> {
        if let Node::Array { .. } = member.value() {
            Ok(Some(member.body()))
        } else {
            self.null_or_bad(member.name(), member.value())
        }
    }

    /// Calls `each` with the nodes of every object in a list. Other items, and those over the limit, are left out.
    #[inline]
    pub(crate) fn objects<'t, 'f>(
        &mut self,
        member: Member<'t, 'f>,
        items: &'t [Node<'f>],
        mut each: impl FnMut(&mut Self, &'t [Node<'f>]) -> Result<(), Bad>,
    ) -> Result<(), Bad> {
        for (at, (item, body)) in Items(items).enumerate() {
            if at == self.max_items {
                self.leave_out(FieldErrorReason::OutOfRange, member.name());
                break;
            }
            match item {
                Node::Object { .. } => each(self, body)?,
                Node::String(_) | Node::Array { .. } | Node::Static(_) => {
                    self.leave_out(FieldErrorReason::WrongType, member.name());
                }
            }
        }
        Ok(())
    }

    #[cold]
    fn null_or_bad<T>(&self, name: &str, value: &Node<'_>) -> Result<Option<T>, Bad> {
        if is_null(value) { Ok(None) } else { Err(self.bad(BadReason::WrongType, name)) }
    }
}

#[inline]
pub(crate) fn is_null(node: &Node<'_>) -> bool {
    matches!(node, Node::Static(StaticNode::Null))
}

/// A whole number that is not negative. `-0` is one: JSON's zero has a sign that means nothing here.
#[inline]
fn natural(node: &Node<'_>) -> Option<u64> {
    match node {
        Node::Static(StaticNode::U64(number)) => Some(*number),
        Node::Static(StaticNode::I64(0)) => Some(0),
        Node::Static(_) | Node::String(_) | Node::Object { .. } | Node::Array { .. } => None,
    }
}
