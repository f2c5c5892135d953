//! Members of an object and items of an array, straight off the tape.

use simd_json::{Node, StaticNode};
use stoop_model::{Bad, BadReason};

use crate::reader::Reader;

/// Unknown members of one object that are compared with each other; more are only counted.
const UNKNOWN_COMPARED: u32 = 16;

/// One member of an object: the tape from its name on. Two words, so that it travels in registers.
#[derive(Clone, Copy)]
pub(crate) struct Member<'t, 'f>(&'t [Node<'f>]);

impl<'t, 'f> Member<'t, 'f> {
    #[inline]
    pub(crate) fn name(self) -> &'f str {
        if let [Node::String(name), ..] = self.0 { name } else { "" }
    }

    /// The node of its value.
    #[inline]
    pub(crate) fn value(self) -> &'t Node<'f> {
        if let [_, value, ..] = self.0 { value } else { &Node::Static(StaticNode::Null) }
    }

    /// The nodes below that.
    #[inline]
    pub(crate) fn body(self) -> &'t [Node<'f>] {
        self.0.get(2..2 + below(self.value())).unwrap_or_default()
    }

    /// Name of the next member of the object.
    #[inline]
    pub(crate) fn following(self) -> Option<&'f str> {
        if let Some(Node::String(name)) = self.0.get(2 + below(self.value())) { Some(name) } else { None }
    }
}

/// Nodes below `node`.
#[inline]
pub(crate) fn below(node: &Node<'_>) -> usize {
    match node {
        Node::Object { count, .. } | Node::Array { count, .. } => *count,
        Node::String(_) | Node::Static(_) => 0,
    }
}

/// The members of the object whose nodes are given, known or not.
pub(crate) struct Members<'t, 'f>(pub(crate) &'t [Node<'f>]);

impl<'t, 'f> Members<'t, 'f> {
    /// The next member.
    #[inline]
    pub(crate) fn peek(&self) -> Option<Member<'t, 'f>> {
        if let [Node::String(_), _, ..] = self.0 { Some(Member(self.0)) } else { None }
    }

    /// The next member, if that is its name.
    #[inline]
    pub(crate) fn next_if<const N: usize>(&mut self, name: &[u8; N]) -> Option<Member<'t, 'f>> {
        match self.0 {
            [Node::String(found), _, ..] if found.as_bytes() == name => self.next(),
            _ => None,
        }
    }

    /// `member` is the next.
    #[inline]
    pub(crate) fn is_at(&self, member: Member<'t, 'f>) -> bool {
        self.0.len() == member.0.len()
    }
}

impl<'t, 'f> Iterator for Members<'t, 'f> {
    type Item = Member<'t, 'f>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let member = Member(self.0);
        let [Node::String(_), value, after @ ..] = self.0 else { return None };
        self.0 = match value {
            Node::String(_) | Node::Static(_) => after,
            Node::Object { count, .. } | Node::Array { count, .. } => after.get(*count..).unwrap_or_default(),
        };
        Some(member)
    }
}

/// The items of the array whose nodes are given: each node with the nodes below it.
pub(crate) struct Items<'t, 'f>(pub(crate) &'t [Node<'f>]);

impl<'t, 'f> Iterator for Items<'t, 'f> {
    type Item = (&'t Node<'f>, &'t [Node<'f>]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let [value, after @ ..] = self.0 else { return None };
        let (body, rest) = after.split_at_checked(below(value))?;
        self.0 = rest;
        Some((value, body))
    }
}

/// Goes over the members of an object, in their order: the arm of a known name runs with `member` bound, unknown names
/// are counted, and a name that comes twice ends the frame. Arms may use `?`.
///
/// Names are tried in the order they are written in here, again and again from the first, and most senders write the
/// members of an object in one order always. So this is mostly one pass of compares with constants, a word or two each,
/// that branch prediction knows. A match on the name compares byte by byte and jumps through a table for every member.
macro_rules! members {
    ($reader:ident, $object:expr, $member:ident, { $($name:literal => $arm:expr,)* }) => {{
        let object = $object;
        let (mut seen, mut unknown) = (0_u32, 0_u32);
        let mut members = $crate::members::Members(object);
        while let Some(first) = members.peek() {
            let bit = 1_u32;
            $(
                if let Some($member) = members.next_if($name) {
                    if seen & bit != 0 {
                        return Err($reader.bad(stoop_model::BadReason::DuplicateKey, $member.name()));
                    }
                    seen |= bit;
                    $arm;
                }
                let bit = bit << 1;
            )*
            // Shifted once for each name: more names than bits would be seen here.
            debug_assert!(bit != 0);
            if members.is_at(first) {
                unknown += 1;
                $crate::members::count_unknown($reader, object, first.name(), unknown)?;
                members.next();
            }
        }
    }};
}
pub(crate) use members;

/// Counts `name`, the `nth` unknown member of `object`.
#[cold]
pub(crate) fn count_unknown(
    reader: &mut Reader<'_>,
    object: &[Node<'_>],
    name: &str,
    nth: u32,
) -> Result<(), Bad> {
    reader.unknowns.fields += 1;
    // Known members occur once each, so the ones before this are few.
    let mut before = Members(object).take_while(|earlier| !std::ptr::eq(earlier.name(), name));
    if nth <= UNKNOWN_COMPARED && before.any(|earlier| earlier.name() == name) {
        return Err(reader.bad(BadReason::DuplicateKey, name));
    }
    Ok(())
}
