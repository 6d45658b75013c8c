//! The GraphQL documents, against GitHub's schema.

use dayfly_testkit::github::graphql_problems;

#[test]
fn every_document_is_one_that_github_takes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/gql");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let problems = graphql_problems(&std::fs::read_to_string(&path).unwrap());
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
        seen += 1;
    }
    assert!(seen > 0, "there is no document in {folder}");
}
