//! The contract, checked.

#[test]
fn conforms() {
    snugfit_index::conformance::check::<snugfit_tree::TreeIndex>();
}
