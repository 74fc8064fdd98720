//! Who gives a block back may be stopped between the two halves of that, for as long as it pleases the system.

use std::vec::Vec;

use super::*;
use crate::{Owner, Stock, Supply};

/// The stock behind an owner.
struct Behind<'a>(&'a Space, Stock);

impl Supply for Behind<'_> {
    fn take(&mut self) -> Option<Number> {
        self.1.take(self.0)
    }

    fn put(&mut self, slab: Number) {
        // SAFETY: owners put what they took, and do not need any more.
        unsafe { self.1.put(self.0, slab) };
    }

    fn freed_twice(&mut self, payload: NonNull<u8>) {
        panic!("{payload:?} was freed once");
    }
}

/// Who gives a block back is stopped between the two halves of that; meanwhile its owner takes the block, and gives the slab up.
#[test]
fn who_comes_too_late_to_post_a_slab_does_no_harm() {
    let (space, class) = (Space::new(), Class::of_request(1024).expect("it is small"));
    let mut behind = Behind(&space, Stock::new());
    assert!((0..100).any(|_| behind.1.open(&space, 64 * SLAB)), "there are addresses");
    let owner = Owner::NONE;
    let take =
        |behind: &mut Behind<'_>| owner.take(class).or_else(|| owner.take_slowly(&space, class, behind));
    for is_out_again in [false, true] {
        let [block, other] = [(); 2].map(|()| take(&mut behind).expect("there is memory"));
        let [place, beside] =
            [block, other].map(|block| space.find(block.as_ptr()).expect("it is in a slab"));
        let number = place.number();
        // SAFETY: it is mapped.
        let returns = unsafe { space.returns(number) };
        assert!(returns.set(0, 1));
        place.slab.owned.note_returned();
        // SAFETY: nobody uses it.
        assert!(unsafe { owner.give_own(&space, beside, &mut behind) });
        owner.leave(&space, &mut behind);
        assert!(place.slab.owned.owner().is_null() && !returns.has_bits(), "all was taken, and given up");
        let again = is_out_again.then(|| take(&mut behind).expect("there is memory"));
        assert!(returns.enter_mail());
        space.post(number, place.slab, returns);
        assert_eq!((owner.has_mail(), returns.is_posted()), (is_out_again, is_out_again));
        if let Some(again) = again {
            assert_eq!(again, block);
            // SAFETY: nobody uses it.
            let given = unsafe { space.give_to_owner(space.find(again.as_ptr()).expect("it is in a slab")) };
            assert_eq!(given, Ok(()));
        }
        owner.leave(&space, &mut behind);
        assert_eq!((behind.1.bytes_out(), returns.is_posted()), (0, false));
        assert_eq!(behind.1.validate(&space, Some(&owner)), Ok(()));
    }
}

/// The same, but he knew the owner already; then the stock gives up what is known of the slab.
#[test]
fn a_slab_that_came_into_the_mail_too_late_stays_known() {
    const MANY: usize = 500;
    let (space, class) = (Space::new(), Class::of_request(1024).expect("it is small"));
    let mut behind = Behind(&space, Stock::new());
    assert!((0..100).any(|_| behind.1.open(&space, 2 * MANY * SLAB)), "there are addresses");
    let owner = Owner::NONE;
    let blocks: Vec<NonNull<u8>> = (0..MANY * class.count())
        .map(|_| owner.take(class).or_else(|| owner.take_slowly(&space, class, &mut behind)))
        .map(|block| block.expect("there is memory"))
        .collect();
    let place = |block: NonNull<u8>| space.find(block.as_ptr()).expect("it is in a slab");
    for &block in &blocks {
        // SAFETY: nobody uses it.
        let given = unsafe { owner.give_slowly(&space, place(block), &mut behind) };
        assert_eq!(given, Ok(()));
    }
    owner.leave(&space, &mut behind);
    // SAFETY: they are mapped.
    let late = [100, 300].map(|slab| unsafe {
        let number = place(blocks[slab * class.count()]).number();
        (number, space.returns(number))
    });
    for (number, returns) in late {
        assert!(returns.enter_mail());
        owner.mail.post(number, returns);
    }
    assert!(behind.1.purge(&space) > MANY * SLAB / 2);
    assert!(late.iter().all(|(_, returns)| returns.is_posted()));
    owner.open_mail(&space, &mut behind);
    assert!(!owner.has_mail() && late.iter().all(|(_, returns)| returns.is_empty()));
}
