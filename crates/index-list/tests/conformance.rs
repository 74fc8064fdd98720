//! The contract, checked.

#[test]
fn conforms() {
    snugfit_index::conformance::check::<snugfit_list::ListIndex>();
}

#[test]
fn notices_links_that_were_overwritten() {
    snugfit_index::conformance::check_damage::<snugfit_list::ListIndex>();
}
