//! Which line of its file an operation stood on.

/// Lines of a plain header, so the first operation stands on the line after.
pub(crate) const HEADER_LINES: usize = 4;

/// Line numbers by operation, stored only where they jump: blank lines are tolerated but rare.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    /// First operation of a stretch of successive lines, and its line; by operation.
    stretches: Vec<(usize, usize)>,
}

impl Lines {
    /// The lines of a trace as this crate writes it.
    pub(crate) fn new() -> Self {
        Self { stretches: vec![(0, HEADER_LINES + 1)] }
    }

    /// Notes that `operation` stands on `line`. To be called for each operation in order.
    pub(crate) fn note(&mut self, operation: usize, line: usize) {
        if self.line(operation) != line {
            self.stretches.push((operation, line));
        }
    }

    /// The line of `operation`, counted from 1.
    pub(crate) fn line(&self, operation: usize) -> usize {
        let after = self.stretches.partition_point(|&(first, _)| first <= operation);
        let (first, line) = self.stretches[after - 1];
        line + (operation - first)
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_jump_where_noted() {
        let mut lines = Lines::new();
        for (operation, line) in [5, 6, 9, 10, 20].into_iter().enumerate() {
            lines.note(operation, line);
        }
        assert_eq!((0..6).map(|o| lines.line(o)).collect::<Vec<_>>(), [5, 6, 9, 10, 20, 21]);
        assert_eq!(lines.stretches.len(), 3);
    }
}
