"""The archive's shelves over HTTP: everybody sees the courses that are open, administrators all and change them."""

from __future__ import annotations

from archive.shelves import CourseData, CourseShelf
from archive.tables import Access, Course, Profile, Topic
from signaling import shelf_models as s
from signaling.http import Call


async def list_shelves(call: Call) -> s.ShelvesOut:
    sees = None if call.administrator is not None else [Access.OPEN]
    tree = await call.services.shelves.all(sees)
    return s.ShelvesOut(
        profiles=[
            s.ProfileOut(
                profile_id=shelf.profile.id,
                title=shelf.profile.title,
                courses=[_course_shelf(course) for course in shelf.courses],
            )
            for shelf in tree
            if shelf.courses or call.administrator is not None
        ]
    )


async def add_profile(call: Call) -> s.ProfileOut:
    return _profile(await call.services.shelves.add_profile(call.read(s.Titled).title))


async def rename_profile(call: Call) -> s.ProfileOut:
    return _profile(await call.services.shelves.rename_profile(call.path("profile_id"), call.read(s.Titled).title))


async def remove_profile(call: Call) -> None:
    await call.services.shelves.remove_profile(call.path("profile_id"))


async def add_course(call: Call) -> s.CourseOut:
    return _course(await call.services.shelves.add_course(call.path("profile_id"), _data(call.read(s.CourseIn))))


async def change_course(call: Call) -> s.CourseOut:
    body = call.read(s.ChangeCourse)
    return _course(await call.services.shelves.change_course(call.path("course_id"), _data(body), body.profile_id))


async def remove_course(call: Call) -> None:
    await call.services.shelves.remove_course(call.path("course_id"))


async def add_topic(call: Call) -> s.TopicOut:
    return _topic(await call.services.shelves.add_topic(call.path("course_id"), call.read(s.Titled).title))


async def order_topics(call: Call) -> None:
    await call.services.shelves.order_topics(call.path("course_id"), call.read(s.OrderTopics).topic_ids)


async def rename_topic(call: Call) -> s.TopicOut:
    return _topic(await call.services.shelves.rename_topic(call.path("topic_id"), call.read(s.Titled).title))


async def remove_topic(call: Call) -> None:
    await call.services.shelves.remove_topic(call.path("topic_id"))


async def place_recording(call: Call) -> None:
    await call.services.shelves.place(call.path("recording_id"), call.read(s.Place).topic_id)


def _data(body: s.CourseIn) -> CourseData:
    values = body.model_dump(include=set(CourseData.__dataclass_fields__))
    return CourseData(**values | {"access": Access(body.access)})


def _profile(profile: Profile) -> s.ProfileOut:
    return s.ProfileOut(profile_id=profile.id, title=profile.title)


def _topic(topic: Topic, recordings: int = 0) -> s.TopicOut:
    return s.TopicOut(topic_id=topic.id, title=topic.title, recordings=recordings)


def _course(course: Course, topics: tuple[s.TopicOut, ...] = ()) -> s.CourseOut:
    return s.CourseOut(
        course_id=course.id,
        title=course.title,
        subject=course.subject,
        grade_from=course.grade_from,
        grade_to=course.grade_to,
        author=course.author,
        organisation=course.organisation,
        language=course.language,
        licence=course.licence,
        access=Access(course.access).value,
        description=course.description,
        topics=list(topics),
    )


def _course_shelf(shelf: CourseShelf) -> s.CourseOut:
    return _course(shelf.course, tuple(_topic(each.topic, each.recordings) for each in shelf.topics))
