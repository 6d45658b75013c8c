use super::*;

#[test]
fn every_scenario_passes_with_its_defence_and_fails_without() {
    for incident in incidents() {
        let began = std::time::Instant::now();
        let whole = incident.rehearse(Wiring::Whole).unwrap();
        assert!(whole.passed, "{whole:#?}");
        let bare = incident.rehearse(Wiring::WithoutDefence).unwrap();
        assert!(!bare.passed, "nothing shows that the defence is needed: {bare:#?}");
        eprintln!("{:20} {:?}\n{:#?}\n{:#?}", incident.name, began.elapsed(), whole, bare);
    }
}
