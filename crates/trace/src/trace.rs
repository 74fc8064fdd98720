//! A trace that is known to be sound.

use crate::Op;
use crate::damage::{Damage, TraceError};
use crate::lines::Lines;

/// The operations of one program, checked: ids are in range, allocated before and only before they are used, sizes
/// fit an `isize`, alignments are powers of two.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(crate) name: String,
    pub(crate) heap_size: u64,
    pub(crate) weight: u64,
    pub(crate) ids: u32,
    pub(crate) ops: Vec<Op>,
    pub(crate) lines: Lines,
}

impl Trace {
    /// A trace of `ops` over the ids below `ids`.
    ///
    /// # Errors
    /// The first operation that breaks a rule, as if it had been read from a file of that name.
    ///
    /// ```
    /// use snugfit_trace::{Op, Trace};
    ///
    /// let error = Trace::new("twice", 1, vec![Op::Free { id: 0 }]).unwrap_err();
    /// assert_eq!(error.to_string(), "twice:5: `f` needs id 0, which is not allocated here");
    /// ```
    pub fn new(name: impl Into<String>, ids: u32, ops: Vec<Op>) -> Result<Self, TraceError> {
        let name = name.into();
        let trace = Self { heap_size: 0, weight: 1, ids, ops, lines: Lines::new(), name };
        let checked = trace.check();
        checked.map_err(|(line, damage)| TraceError::new(&trace.name, Some(line), damage))?;
        Ok(trace)
    }

    /// What the trace is called: its file's name without `.rep` and `.gz`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of ids: all are below it.
    #[must_use]
    pub fn ids(&self) -> u32 {
        self.ids
    }

    /// The operations, in order.
    #[must_use]
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The heap size that the header suggests; 0 where nobody cared.
    #[must_use]
    pub fn heap_size(&self) -> u64 {
        self.heap_size
    }

    /// The weight that the header gives it among other traces.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// The line of the file on which an operation (counted from 0) stood, or would stand if written.
    #[must_use]
    pub fn line(&self, operation: usize) -> usize {
        self.lines.line(operation)
    }

    /// What can be checked only over the operations as a whole. Run once they are all there, so that the table of
    /// ids is as large as the trace is, not as large as a header claims.
    pub(crate) fn check(&self) -> Result<(), (usize, Damage)> {
        if self.ids as usize > self.ops.len() {
            return Err((2, Damage::UnusedIds { ids: self.ids, ops: self.ops.len() }));
        }
        let mut allocated = vec![false; self.ids as usize];
        for (number, &op) in self.ops.iter().enumerate() {
            self.check_op(op, &mut allocated).map_err(|damage| (self.line(number), damage))?;
        }
        Ok(())
    }

    fn check_op(&self, op: Op, allocated: &mut [bool]) -> Result<(), Damage> {
        let (id, letter) = (op.id(), op.letter());
        let Some(state) = allocated.get_mut(id as usize) else {
            return Err(Damage::IdOutOfRange { id, ids: self.ids });
        };
        match (op.is_allocation(), *state) {
            (true, true) => return Err(Damage::AlreadyAllocated { letter, id }),
            (false, false) => return Err(Damage::NotAllocated { letter, id }),
            _ => *state = !matches!(op, Op::Free { .. }),
        }
        match op {
            _ if op.size().is_none() => Err(Damage::TooLarge),
            Op::AllocateAligned { align, .. } if !align.is_power_of_two() || align > 1 << 62 => {
                Err(Damage::Alignment { align })
            }
            _ => Ok(()),
        }
    }
}

/// Two traces are equal if they ask the same: neither the name nor blank lines in the file matter.
impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        (self.heap_size, self.weight, self.ids) == (other.heap_size, other.weight, other.ids)
            && self.ops == other.ops
    }
}

impl Eq for Trace {}
