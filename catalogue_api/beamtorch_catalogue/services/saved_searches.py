"""Searches that people keep by a name, each for themselves."""

from sqlalchemy import select

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.query import parse
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import SavedSearch as Row
from beamtorch_catalogue.vocabulary.registry import Models
from beamtorch_catalogue.wire import SavedSearch
from beamtorch_facility.clock import Clock
from beamtorch_facility.words import Words

MOST = 200


class TooManySearchesError(CatalogueError):
    """Somebody who keeps as many searches as anybody may."""

    code = "too-many-searches"
    status = 409
    title = Words(en="Too many saved searches", zh="保存的搜索过多")


class SavedSearches:
    """Keeps searches as they were typed: “7d” means the last seven days whenever it is asked."""

    def __init__(self, *, database: Database, clock: Clock, models: Models) -> None:
        self._database, self._clock, self._models = database, clock, models

    def of(self, reader: Reader) -> list[SavedSearch]:
        """Return somebody's searches, by name."""
        with self._database.reading() as session:
            mine = select(Row).where(Row.username == reader.person.username).order_by(Row.name)
            return [SavedSearch(name=row.name, query=row.query, saved_at=row.saved_at) for row in session.scalars(mine)]

    def save(self, reader: Reader, search: SavedSearch) -> SavedSearch:
        """Keep a search; one of the same name is replaced.

        Raises
        ------
        QueryError
            If it cannot be understood, so that nobody keeps what finds nothing.
        TooManySearchesError
            If there are too many already.
        """
        parse(
            search.query,
            self._models.parameters(),
            aliases=self._models.aliases(),
            fields=self._models.text_fields(),
            now=reader.asked_at,
        )
        username, now = reader.person.username, self._clock.now()
        with self._database.writing() as session:
            mine = session.scalars(select(Row).where(Row.username == username)).all()
            row = next((one for one in mine if one.name == search.name), None)
            if row is None:
                if len(mine) >= MOST:
                    raise TooManySearchesError(
                        Words(
                            en=f"You keep {MOST} searches already. Forget one that you no longer need.",
                            zh=f"您已保存 {MOST} 个搜索。请删除不再需要的搜索。",
                        )
                    )
                row = Row(username=username, name=search.name)
                session.add(row)
            row.query, row.saved_at = search.query, now
        return search.model_copy(update={"saved_at": now})

    def forget(self, reader: Reader, name: str) -> None:
        """Forget a search; one that is not there is fine."""
        with self._database.writing() as session:
            row = session.get(Row, (reader.person.username, name))
            if row is not None:
                session.delete(row)
