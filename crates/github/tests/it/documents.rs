//! Our GraphQL documents against GitHub's schema.

use std::path::Path;

use dayfly_testkit::github::graphql_problems;

#[test]
fn each_document_is_one_that_github_understands() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gql");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let document = std::fs::read_to_string(&path).unwrap();
        let problems = graphql_problems(&document);
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
        seen += 1;
    }
    assert!(seen >= 4, "{seen} documents");
}
