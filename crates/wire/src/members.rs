//! Members of an object and items of an array, straight off the tape.

use simd_json::{Node, StaticNode};
use stoop_model::{Bad, BadReason};

use crate::reader::Reader;

/// Unknown members of one object that are compared with each other; more are only counted.
const UNKNOWN_COMPARED: u32 = 16;

/// The members of an object from the next one on: nodes of its name and its value, nodes below that, the next name.
///
/// Who reads the value of the next member moves on to the one after it.
pub(crate) struct Members<'t, 'f>(pub(crate) &'t [Node<'f>]);

impl<'t, 'f> Members<'t, 'f> {
    /// There is a next member.
    #[inline]
    pub(crate) fn is_more(&self) -> bool {
        matches!(self.0, [Node::String(_), _, ..])
    }

    /// There is a next member and that is its name.
    #[inline]
    pub(crate) fn is_next<const N: usize>(&self, name: &[u8; N]) -> bool {
        matches!(self.0, [Node::String(found), _, ..] if found.as_bytes() == name)
    }

    /// The next member.
    #[inline]
    pub(crate) fn peek(&self) -> Member<'t, 'f> {
        Member(self.0)
    }

    /// The next member, which is moved over.
    #[inline]
    pub(crate) fn take(&mut self) -> Member<'t, 'f> {
        let member = Member(self.0);
        self.0 = member.after();
        member
    }
}

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
        let [_, value, after @ ..] = self.0 else { return &[] };
        after.get(..below(value)).unwrap_or_default()
    }

    /// Nodes from it on: no other member of its object has as many.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    /// The nodes of the members after it.
    #[inline]
    pub(crate) fn after(self) -> &'t [Node<'f>] {
        let [_, value, after @ ..] = self.0 else { return &[] };
        after.get(below(value)..).unwrap_or_default()
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

/// Goes over the members of an object, in their order: the arm of a known name runs, unknown names
/// are counted, and a name that comes twice ends the frame. An arm reads the value of its member, once; it may use `?`.
///
/// Names are tried in the order they are written in here, again and again from the first, and most senders write the
/// members of an object in one order always. So this is mostly one pass of compares with constants, a word or two each,
/// that branch prediction knows. A match on the name compares byte by byte and jumps through a table for every member.
macro_rules! members {
    ($reader:ident, $object:expr, $members:ident, { $($name:literal => $arm:expr,)* }) => {{
        let object = $object;
        let (mut seen, mut unknown) = (0_u32, 0_u32);
        let mut at = $crate::members::Members(object);
        while at.is_more() {
            let (first, bit) = (at.peek(), 1_u32);
            $(
                if at.is_next($name) {
                    if seen & bit != 0 {
                        return Err($reader.bad(stoop_model::BadReason::DuplicateKey, at.peek().name()));
                    }
                    seen |= bit;
                    let after = at.peek().after().len();
                    let $members = &mut at;
                    $arm;
                    debug_assert_eq!(at.0.len(), after, "each arm reads one value");
                }
                let bit = bit << 1;
            )*
            // Shifted once for each name: more names than bits would be seen here.
            debug_assert!(bit != 0);
            if at.0.len() == first.len() {
                unknown += 1;
                $crate::members::count_unknown($reader, object, first.name(), unknown)?;
                at.take();
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
    let mut earlier = Members(object);
    // Known members occur once each, so the ones before this are few.
    while nth <= UNKNOWN_COMPARED && !std::ptr::eq(earlier.peek().name(), name) {
        if earlier.take().name() == name {
            return Err(reader.bad(BadReason::DuplicateKey, name));
        }
    }
    Ok(())
}
