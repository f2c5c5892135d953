//! Without the feature `store` nothing is kept: there is no store, so that nothing below is ever called.

use super::{Save, StoreError};

#[derive(Debug)]
pub(crate) enum Store {}

impl Store {
    pub(crate) fn take(&mut self, _: &Save) {
        match *self {}
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        match *self {}
    }
}
