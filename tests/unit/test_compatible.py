import pytest

from aftersales.compatible import bounded, declared, fits


@pytest.mark.parametrize(
    ("found", "wanted", "said"),
    [
        ("0.1.0", ">=0.1,<0.2", True),
        ("0.1", ">=0.1.0,<0.2", True),
        ("0.2.0", ">=0.1,<0.2", False),
        ("0.0.9", ">=0.1,<0.2", False),
        ("0.1.10", ">=0.1.9", True),
        ("0.2.0rc1", ">=0.1,<0.2", False),
        ("0.2.0rc1", ">=0.2", False),
        ("0.2.0rc1", ">=0.2.0rc1,<0.3", True),
        ("0.2.0.dev3", "<0.2.0b1", True),
        ("0.1.5", "~=0.1.2", True),
        ("0.2.0", "~=0.1.2", False),
        ("0.9", "~=0.1", True),
        ("1.0", "~=1", False),
        ("0.1.7", "==0.1.*", True),
        ("0.2", "==0.1.*", False),
        ("0.2", "!=0.1.*", True),
        ("0.1.0", "==0.1", True),
        ("0.1.0", "!=0.1.0", False),
        ("0.1.0", "===0.1.0", True),
        ("0.1.0", "", True),
        ("0.1.0", "later", False),
        ("0.1.0", ">=x", False),
        ("odd", ">=0.1", False),
    ],
)
def test_a_version_keeps_what_is_wanted_or_not(found, wanted, said):
    """Numbers are compared one by one, a pre-release comes before its release, and what is not understood matches nothing."""
    assert fits(found, wanted) is said


@pytest.mark.parametrize(
    ("requirements", "said"),
    [
        (["aftersales>=0.1,<0.2"], ">=0.1,<0.2"),
        (["httpx>=0.27", "Aftersales (>=0.1,<0.2)"], ">=0.1,<0.2"),
        (["aftersales[testing]>=0.1; python_version >= '3.11'"], ">=0.1"),
        (["aftersales[testing]>=0.1; extra == 'test'"], None),
        (["aftersales"], ""),
        (["aftersales-tools>=1"], None),
        (None, None),
    ],
)
def test_what_a_package_says_of_us_is_found_among_its_requirements(requirements, said):
    """Only a requirement on exactly this package that always holds counts."""
    assert declared(requirements) == said


@pytest.mark.parametrize(
    ("wanted", "said"), [(">=0.1,<0.2", True), ("~=0.1.0", True), ("==0.1.*", True), (">=0.1", False), ("<2", False), ("", False)]
)
def test_a_compatibility_has_two_ends(wanted, said):
    """Who names only one end promises to work with versions that nobody has written yet."""
    assert bounded(wanted) is said
