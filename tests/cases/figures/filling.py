"""A register of any size by a few statements: cases with history, clocks, ratings, receptions (PostgreSQL).

Cases are spread evenly over the months before LAST, over all offices of Lanzhou; of twenty one is secret, one
in seven has not been concluded, one in fifteen is late. Everything follows from the number of the case.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LAST = date(2026, 6, 30)
DAYS_A_MONTH = 30
_NUMBERS = """
CREATE TEMP TABLE filled AS
WITH offices AS (
  SELECT id, row_number() OVER (ORDER BY region_code, name) - 1 AS place, region_code FROM organisations
  WHERE kind <> 'department' AND length(region_code) >= 6
), units AS (SELECT id, region_code FROM organisations WHERE kind = 'department'),
many AS (SELECT count(*) AS offices FROM offices)
SELECT n, lpad(n::text, 31, '0') AS tail, o.id AS office, u.id AS unit,
  (CAST(:last AS date) - ((n::bigint * :days) / :count)::int) AS registered,
  (n * 37 % 53) + 8 AS handling, n % 12 AS forwarding, n % 7 = 3 AS running, n % 15 = 2 AS late,
  n % 20 = 19 AS secret
FROM generate_series(1, :count) AS n CROSS JOIN many JOIN offices o ON o.place = n % many.offices
LEFT JOIN units u ON u.region_code = substr(o.region_code, 1, 6)
"""
_STATEMENTS = (
    """INSERT INTO people (id, name, phone, created_at)
    SELECT 'p' || tail, '王' || n, '139' || lpad(n::text, 8, '0'), registered + time '10:00' FROM filled""",
    """INSERT INTO petitions (id, number, channel, subject, description, class, state, petitioner_id,
      custodian_id, confidential, query_code_hash, event_count, registered_at, way, handler_id, conclusion,
      accepted_on, concluded_on)
    SELECT 'c' || tail, 'LZX-' || n,
      (ARRAY['web','phone','wechat','visit','letter','sms','video','leader_mailbox'])[1 + n % 8],
      (ARRAY['小区物业收费','供暖温度不达标','拖欠工资','征地补偿','养老保险补缴','停车收费','噪声扰民','门前积水',
        '房产证办理','屋顶漏水'])[1 + n % 10] || '问题', '',
      CASE WHEN secret THEN 'accusation' WHEN n % 9 = 4 THEN 'suggestion' ELSE 'claim' END,
      CASE WHEN running THEN 'accepted' ELSE 'closed' END, 'p' || tail, office, secret, '00$00', 4,
      registered + time '10:00', 'handle', unit,
      CASE WHEN NOT running THEN (ARRAY['support','explain','not_support'])[1 + n % 3] END,
      registered + forwarding, CASE WHEN NOT running THEN registered + forwarding + handling
        + CASE WHEN late THEN 40 ELSE 0 END END
    FROM filled""",
    "INSERT INTO petition_organisations SELECT 'c' || tail, office, 'custodian' FROM filled",
    """INSERT INTO petition_organisations SELECT 'c' || tail, unit, 'handler' FROM filled
    WHERE unit IS NOT NULL""",
    """INSERT INTO petition_clocks (id, petition_id, duty, profile, organisation_id, start_on, set_days,
      extension, raw_on, rolled_on, pauses, met_on, begun_at)
    SELECT duty || substr(tail, 6), 'c' || tail, name, 'national-2022', office, registered, 0, 0, due, due,
      '[]', met, registered + time '10:00'
    FROM filled CROSS JOIN LATERAL (VALUES
      ('k1', 'register_route', registered + 15, registered + forwarding),
      ('k2', 'forward_notice', registered + forwarding + 15, registered + forwarding),
      ('k3', 'handle', registered + forwarding + 60, CASE WHEN NOT running THEN
        registered + forwarding + handling + CASE WHEN late THEN 40 ELSE 0 END END)
    ) AS clock (duty, name, due, met)""",
    """INSERT INTO petition_ratings (id, petition_id, rated, organisation_id, score, number, at)
    SELECT substr(what, 1, 1) || substr(tail, 1), 'c' || tail, what, office, 1 + n % 5, 1,
      registered + 90 + time '10:00'
    FROM filled CROSS JOIN (VALUES ('office'), ('unit')) AS rated (what)
    WHERE NOT running AND n % 3 <> 1""",
    """INSERT INTO petition_events (id, petition_id, sequence, at, kind, actor_name, data)
    SELECT line || tail, 'c' || tail, line, registered + line + time '10:00', 'petition.noted', '演示', '{}'
    FROM filled CROSS JOIN generate_series(1, 3) AS line""",
    """INSERT INTO sessions (id, petition_id, title, host_organisation_id, kind, state, starts_at, ends_at,
      opened_at, closed_at, record, id_number_needed, event_count, revision, created_at)
    SELECT 's' || tail, 'c' || tail, '视频接访', office, 'reception',
      CASE WHEN n % 35 = 0 THEN 'no_show' ELSE 'closed' END, at, at + interval '30 minutes',
      CASE WHEN n % 35 <> 0 THEN at + interval '4 minutes' END,
      CASE WHEN n % 35 <> 0 THEN at + interval '29 minutes' END, false, false, 3, 0, at
    FROM filled CROSS JOIN LATERAL (VALUES (registered + forwarding + time '14:00')) AS begun (at)
    WHERE n % 5 = 0""",
    """INSERT INTO session_organisations (session_id, organisation_id, part)
    SELECT 's' || tail, office, 'host' FROM filled WHERE n % 5 = 0""",
    """INSERT INTO invitations (id, code, session_id, role, display_name, person_id, created_at)
    SELECT 'i' || tail, n::text, 's' || tail, 'petitioner', '信访人', 'p' || tail, registered
    FROM filled WHERE n % 5 = 0""",
    """INSERT INTO session_events (id, session_id, sequence, at, monotonic_ms, kind, participant_id, data)
    SELECT place || tail, 's' || tail, place, registered + forwarding + time '14:00' + minutes, 0, kind,
      'i' || tail, '{}'
    FROM filled CROSS JOIN (VALUES (1, 'participant.joined', interval '0'),
      (2, 'participant.admitted', interval '4 minutes'), (3, 'session.moved', interval '29 minutes')
    ) AS happened (place, kind, minutes)
    WHERE n % 35 <> 0 AND n % 5 = 0""",
)
FILLED = (
    *("people", "petitions", "petition_organisations", "petition_clocks", "petition_ratings"),
    *("petition_events", "sessions", "session_organisations", "invitations", "session_events"),
)


async def fill_register(db: AsyncSession, count: int, months: int) -> None:
    """`count` cases over `months` months, and commit; organisations have to be there."""
    given = {"last": LAST, "days": months * DAYS_A_MONTH, "count": count}
    # Nothing has to be noted or looked up: all of it is new, and fits.
    await db.execute(text("SET LOCAL session_replication_role = replica"))
    await db.execute(text(_NUMBERS), given)
    for statement in _STATEMENTS:
        await db.execute(text(statement))
    await db.execute(text("DROP TABLE filled"))
    await db.commit()
    for table in FILLED:
        await db.execute(text(f"ANALYZE {table}"))
    await db.commit()
