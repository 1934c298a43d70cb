//! A list whose clones cost a pointer.

use std::{mem, sync::Arc};

/// The maximum number of values or branches of a node: two to the power of [`BITS`].
const WIDTH: usize = 1 << BITS;
const BITS: u32 = 5;

/// A list whose clones share all nodes. A change copies the nodes on its path if a clone shares
/// them: a few nodes of up to [`WIDTH`] values or branches, regardless of the length of the list.
#[derive(Debug)]
pub(super) struct List<T> {
    root: Arc<Node<T>>,
    /// The number of levels of branches above the values.
    height: u32,
    len: usize,
}

/// A node. On each level, all nodes except the last are full.
#[derive(Clone, Debug)]
enum Node<T> {
    Values(Vec<T>),
    Branches(Vec<Arc<Node<T>>>),
}

impl<T> List<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn for_each(&self, mut f: impl FnMut(&T)) {
        self.root.for_each(&mut f);
    }
}

impl<T: Clone> List<T> {
    /// Appends a value.
    pub(super) fn push(&mut self, value: T) {
        if self.len == WIDTH << (BITS * self.height) {
            self.root = Arc::new(Node::Branches(vec![Arc::clone(&self.root)]));
            self.height += 1;
        }
        Arc::make_mut(&mut self.root).push(value, self.height, self.len);
        self.len += 1;
    }

    /// Removes the value at `index`, and moves the last value to its place.
    ///
    /// # Panics
    ///
    /// Panics if `index` is out of bounds.
    pub(super) fn swap_remove(&mut self, index: usize) -> T {
        assert!(index < self.len, "{index} is not below {}", self.len);
        self.len -= 1;
        let last = Arc::make_mut(&mut self.root).pop();
        if self.height > 0 && self.len == WIDTH << (BITS * (self.height - 1)) {
            if let Node::Branches(branches) = &*self.root {
                self.root = Arc::clone(&branches[0]);
                self.height -= 1;
            }
        }
        match index == self.len {
            true => last,
            false => mem::replace(Arc::make_mut(&mut self.root).get_mut(index, self.height), last),
        }
    }

    /// Returns the value at `index`.
    pub(super) fn get(&self, index: usize) -> Option<&T> {
        if index < self.len { self.root.get(index, self.height) } else { None }
    }
}

impl<T> Node<T> {
    fn for_each(&self, f: &mut impl FnMut(&T)) {
        match self {
            Self::Values(values) => values.iter().for_each(f),
            Self::Branches(branches) => branches.iter().for_each(|branch| branch.for_each(f)),
        }
    }

    fn get(&self, index: usize, height: u32) -> Option<&T> {
        match self {
            Self::Values(values) => values.get(index % WIDTH),
            Self::Branches(branches) => branches.get(branch(index, height))?.get(index, height - 1),
        }
    }
}

impl<T: Clone> Node<T> {
    fn push(&mut self, value: T, height: u32, index: usize) {
        match self {
            Self::Values(values) => values.push(value),
            Self::Branches(branches) => {
                let at = branch(index, height);
                if at == branches.len() {
                    let is_lowest = height == 1;
                    let empty = if is_lowest { Self::Values(Vec::new()) } else { Self::Branches(Vec::new()) };
                    branches.push(Arc::new(empty));
                }
                Arc::make_mut(&mut branches[at]).push(value, height - 1, index);
            }
        }
    }

    fn pop(&mut self) -> T {
        match self {
            Self::Values(values) => values.pop().expect("only the root of an empty list is empty"),
            Self::Branches(branches) => {
                let last = branches.last_mut().expect("no branch is empty");
                let value = Arc::make_mut(last).pop();
                if last.is_empty() {
                    branches.pop();
                }
                value
            }
        }
    }

    fn get_mut(&mut self, index: usize, height: u32) -> &mut T {
        match self {
            Self::Values(values) => &mut values[index % WIDTH],
            Self::Branches(branches) => {
                Arc::make_mut(&mut branches[branch(index, height)]).get_mut(index, height - 1)
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Values(values) => values.is_empty(),
            Self::Branches(branches) => branches.is_empty(),
        }
    }
}

/// Returns the index of the branch that contains the value at `index`.
fn branch(index: usize, height: u32) -> usize {
    (index >> (BITS * height)) % WIDTH
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self { root: Arc::clone(&self.root), height: self.height, len: self.len }
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { root: Arc::new(Node::Values(Vec::new())), height: 0, len: 0 }
    }
}

#[cfg(test)]
mod tests;
