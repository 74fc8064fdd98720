//! Looking at runs: what is where, and whether it is as it should be.

use crate::mark::Mark;
use crate::marks::page_number;
use crate::run::{CLASSES, PAGE, offsets, size_of_class, start_of};
use crate::runs::{EMPTY, List, OWNERS, Runs};
use crate::violation::Violation;

impl Runs {
    /// Visits the blocks of the run at `page`: where each is, and its mark.
    pub fn blocks(&self, page: usize) -> impl Iterator<Item = (usize, Mark)> + '_ {
        let class = self.marks.run_class(page);
        offsets(class).map(move |offset| {
            // SAFETY: it lies in a run of that class.
            (page + offset, unsafe { self.marks.cell_of(page + offset, class) }.get())
        })
    }

    /// The block of a run in which `address` lies, and its mark. `None` if it lies in none.
    #[must_use]
    pub fn block_around(&self, address: usize) -> Option<(usize, Mark)> {
        let class = self.marks.run_class(address);
        let from_first = (address % PAGE).checked_sub(start_of(class))?;
        self.blocks(address / PAGE * PAGE).nth(from_first.checked_div(size_of_class(class))?)
    }

    /// All lists, and the first run of each.
    fn all_lists(&self) -> impl Iterator<Item = (List, u32)> + '_ {
        let classes = 1..CLASSES as u8;
        let lists =
            (0..OWNERS as u8).flat_map(move |owner| classes.clone().map(move |class| List { owner, class }));
        let of = |List { owner, class }: List| {
            self.lists.get(usize::from(owner))?.get(usize::from(class)).copied()
        };
        let first = move |list: List| (list, of(list).unwrap_or_default());
        core::iter::once((EMPTY, self.first_empty)).chain(lists.map(first))
    }

    /// Checks the runs at `pages`, which are to be all that there are.
    ///
    /// # Errors
    /// The first violation met.
    pub fn validate(&self, pages: impl Iterator<Item = usize>) -> Result<(), Violation> {
        let ensure = |holds: bool, violation| if holds { Ok(()) } else { Err(violation) };
        let (mut count, mut free_bytes, mut listed) = (0, 0, 0);
        for page in pages {
            let run = self.run(page_number(page));
            let class = run.class();
            let mut free = 0;
            for (block, mark) in self.blocks(page) {
                ensure(mark.is_at(block) && mark.class() == class, Violation::Mark(block))?;
                free += usize::from(mark.is_in_run());
            }
            ensure(free == usize::from(run.free.get()), Violation::Free(page))?;
            count += 1;
            free_bytes += PAGE - run.out() * size_of_class(class);
            listed += usize::from(free > 0 || run.out() == 0);
        }
        let mut empty = 0;
        for (list, first) in self.all_lists() {
            let mut number = first;
            while number != 0 && listed > 0 {
                let run = self.run(number);
                let own = List { owner: run.owner.get(), class: run.class() };
                let of_list = if run.out() == 0 { EMPTY } else { own };
                ensure(run.class() != 0 && of_list == list, Violation::List(self.marks.page(number)))?;
                empty += usize::from(list == EMPTY);
                (number, listed) = (run.next.get(), listed - 1);
            }
            ensure(number == 0, Violation::List(self.marks.page(number)))?;
        }
        let counted = (self.count, self.empty, self.free_bytes);
        ensure(listed == 0 && (count, empty, free_bytes) == counted, Violation::Sum)
    }
}
