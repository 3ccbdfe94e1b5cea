//! Checks `README.md` against the code.
//!
//! The end-to-end tests execute its console examples.

/// Compiles the Rust examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use mlbench_core::api::Endpoint;

    const README: &str = include_str!("../../README.md");

    #[test]
    fn the_endpoint_table_is_that_of_the_api() {
        let (_, rows) =
            README.split_once("| Endpoint | Summary |\n|---|---|\n").expect("README has the table");
        let mut rows: Vec<String> =
            rows.lines().map_while(|row| row.starts_with('|').then(|| row.to_owned())).collect();
        let mut expected = Endpoint::ALL.map(|endpoint| {
            let spec = endpoint.spec();
            format!("| `{} {}` | {} |", spec.method.as_str(), spec.path, spec.summary)
        });
        rows.sort_unstable();
        expected.sort_unstable();
        assert_eq!(rows, expected);
    }
}
