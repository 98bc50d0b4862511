"""Character sets, delimiters and quotes."""

import pytest

from anhuan.statements import sheets

ROWS = "日期,说明,金额\n2025-01-02,早餐,8.50\n2025-01-03,地铁,3.00\n"
READ = [["日期", "说明", "金额"], ["2025-01-02", "早餐", "8.50"], ["2025-01-03", "地铁", "3.00"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_character_set_of_chinese_exports_is_found(encoding: str) -> None:
    assert [list(row) for row in sheets.read_csv(ROWS.encode(encoding)).rows] == READ


def test_a_lone_accented_letter_is_western() -> None:
    text, problems = sheets.text_of("date,description\n2024-01-02,Café Überall\n".encode("cp1252"))
    assert "Café Überall" in text
    assert not problems


def test_a_file_cut_inside_a_character_keeps_all_before_it_and_says_so() -> None:
    sheet = sheets.read_csv(ROWS.encode("gb18030") + "2025-01-04,晚餐".encode("gb18030")[:-1])
    assert list(sheet.rows[-1]) == ["2025-01-04", "晚"]
    assert [problem.code for problem in sheet.problems] == ["file.bad_characters"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    assert [list(row) for row in sheets.read_csv(ROWS.replace(",", delimiter).encode()).rows] == READ


def test_a_comma_inside_a_quoted_amount_is_no_delimiter() -> None:
    assert sheets.read_csv(b'date,what,amount\n2025-01-02,"a, b","1,234.50"\n').rows[1] == [
        "2025-01-02",
        "a, b",
        "1,234.50",
    ]


def test_a_line_break_inside_a_quoted_name_stays_one_row() -> None:
    rows = sheets.read_csv(b'date,what,amount\n2025-01-02,"two\nlines",1.00\n2025-01-03,x,2.00\n').rows
    assert len(rows) == 3


def test_a_quote_that_is_never_closed_swallows_no_row() -> None:
    sheet = sheets.read_csv(b'date,what,amount\n2025-01-02,"half,1.00\n2025-01-03,x,2.00\n2025-01-04,y,3.00\n')
    assert [row[0] for row in sheet.rows] == ["date", "2025-01-02", "2025-01-03", "2025-01-04"]
    assert [problem.code for problem in sheet.problems] == ["file.quotes_broken"]


def test_tables_in_html_are_rows() -> None:
    html = "<table><tr><td><table><tr><th>日期</th><th>金额</th></tr><tr><td>2025-01-02</td><td>8.50</td></tr></table>"
    (sheet,) = sheets.read_html(html.encode())
    assert sheet.rows == [["日期", "金额"], ["2025-01-02", "8.50"]]
