# English. The same keys as in the other languages; `npm test` checks.
product = webclass
language = Language
loading = Loading…
close = Close
cancel = Cancel
code = code: { $code }
try-again = Try again
to-start = To the first page

# Roles
role-teacher = Teacher
role-co_teacher = Co-teacher
role-class = Class
role-viewer = Viewer

# The administrator signs in
sign-in-title = Administrator's sign-in
sign-in-hint = Teachers, classes and viewers need no sign-in: open the lesson link you were sent.
sign-in = Sign in
sign-out = Sign out
user-name = Name
password = Password
sign-in-link-spent = This sign-in link no longer works
sign-in-link-spent-hint = It opens once, within an hour. The command “webclass admin link” on the server shows a new one.
password-set-title = You are signed in. Set a password
password-set-hint = With this name and password you will sign in from now on.
password-new = New password
password-new-hint = At least { $count } characters. A long phrase is safer than a tricky word.
password-save = Save
password-later = Later, to the lessons

# Lessons
lessons = Lessons
lessons-empty = Your lessons will be here. Write a topic and create the first one: links for the teacher, classes and viewers appear at once.
lesson-title = Topic of the lesson
lesson-title-hint = For example: “Physics, grade 10. Waves”
lesson-kind = Kind
kind-full = Whole lesson
kind-partial = Partial live feed
lesson-create = Create lesson
lesson-waiting = Not started yet
lesson-live = Lesson is on
lesson-ended = Ended
lesson-begin = Start the lesson
lesson-end = End the lesson
begin-silent-title = Start without a microphone?
begin-silent-text = No microphone is connected yet: classes will not hear you until you choose one under “Devices”.
end-title = End the lesson for everybody?
end-text = All classes and viewers leave the lesson. This lesson cannot be started again.

# Links
links = Links
links-of = Links: { $title }
link-open-here = Open on this computer
links-hint = Whoever opens a link enters the lesson. Give each link only to those it is for.
links-empty = No links yet. Make the first one below.
link-for-teacher = For the teacher
link-for-co_teacher = For the co-teacher
link-for-class = For a class
link-for-viewer = For viewers
link-valid-until = valid until { $when }
link-new = New link
link-validity = Links valid for
link-place = School, if known
link-place-hint = The computers of one school share its link evenly.
link-make = Make link
link-revoke = Revoke
link-revoke-title = Revoke the link?
link-revoke-text = The link will stop opening. Whoever entered by it leaves the lesson at once.
hours-or-days =
    { $days ->
        [0] { $hours ->
            [one] { $hours } hour
           *[other] { $hours } hours
        }
        [one] { $days } day
       *[other] { $days } days
    }
copy = Copy
copied = Copied

# Before the lesson
entry-teacher = You give this lesson
entry-co_teacher = You help to give this lesson
entry-class = Your class joins this lesson
entry-viewer = You watch this lesson
name-teacher = How to introduce you
name-teacher-hint = For example: Ms Brown
name-co_teacher = How to introduce you
name-co_teacher-hint = For example: Ms Brown
name-class = Name of the class
name-class-hint = For example: Khandyga school, 10 A
name-viewer = Your name, if you like
name-viewer-hint = Only the teachers will see it.
enter = Join the lesson
enter-again = Join again
entry-promise-teacher = You are seen and heard only after “Start the lesson”.
entry-promise-class = You are seen and heard only when the teacher gives you the floor and you agree.
entering = Joining the lesson
entering-hint = This takes a few seconds.

# Devices
devices = Devices
device-camera = Camera
device-microphone = Microphone
device-camera-number = Camera { $number }
device-microphone-number = Microphone { $number }
preview = Your camera
preview-wait = Waiting for the camera. If the browser asks, allow it.
preview-none = No camera
level = Microphone level
level-say = Say: “one, two, three”. The bar should move.
level-heard = The microphone hears you.
device-camera-denied = The browser may not use the camera. Click the icon to the left of the address, allow the camera and try again.
device-camera-missing = No camera was found. Connect one and try again. Without a camera you will only be heard.
device-camera-busy = Another program uses the camera. Close it (Zoom or Skype, for example) and try again.
device-camera-unplugged = The camera was disconnected. Connect it again or choose another.
device-camera-insecure = The camera works only at a secure address (https). Open the lesson by a link that begins with https.
device-camera-failed = The camera did not start. Unplug it, plug it in again and try again.
device-microphone-denied = The browser may not use the microphone. Click the icon to the left of the address, allow the microphone and try again.
device-microphone-missing = No microphone was found. Connect one and try again. Without a microphone you will not be heard.
device-microphone-busy = Another program uses the microphone. Close it (Zoom or Skype, for example) and try again.
device-microphone-unplugged = The microphone was disconnected. Connect it again or choose another.
device-microphone-insecure = The microphone works only at a secure address (https). Open the lesson by a link that begins with https.
device-microphone-failed = The microphone did not start. Unplug it, plug it in again and try again.
device-insecure-link = How to make the address secure
microphone-on = Microphone is on
microphone-off = Microphone is off
camera-on = Camera is on
camera-off = Camera is off
camera-is-off = Camera is off

# Screen
screen-share = Share screen
screen-stop = Stop sharing
screen-of-teacher = Teacher's screen
screen-of-co-teacher = Co-teacher's screen
own-screen = Your screen

# Teacher's console
controls = Lesson controls
nobody-sees-you = Nobody sees or hears you yet
seen-and-heard = Classes see and hear you
seen-not-heard = You are seen but not heard: the microphone is off
screen-is-shared = Classes see your screen and hear you
publish-connecting = Connecting you to the classes…
publish-interrupted = The connection broke, it is coming back. No need to press anything
own-picture = Your camera
classes = Classes
classes-present = { $present } of { $all } connected
classes-empty = No classes yet. Send them the link “For a class”: see “Links”.
viewers = Viewers: { $count }
hands-raised =
    { $count ->
        [one] { $count } hand is up
       *[other] { $count } hands are up
    }
hand-is-raised = Hand is up
has-floor = speaking
lock = Lock the lesson
unlock = Unlock the lesson
locked = Locked
remove = Remove from the lesson
remove-who = Remove from the lesson: { $name }
remove-text = The participant leaves the lesson at once and cannot take the seat again.
mute = Mute
unmute = Unmute

# The floor
floor-give = Give the floor
floor-take = Take the floor back
floor-give-back = Give the floor back
floor-take-own = Take the floor
floor-holder = The class that speaks
floor-connecting = Waiting for the class's picture…
floor-offer = You are given the floor
floor-offer-text = { $name } gives you the floor. If you agree, everybody will see and hear your class.
floor-offer-lapses =
    { $seconds ->
        [one] { $seconds } second left to answer
       *[other] { $seconds } seconds left to answer
    }
floor-accept = Speak
floor-decline = Not now
own-floor = You are seen and heard
own-floor-muted = You are seen, microphone is off
hand-raise = Raise hand
hand-lower = Lower hand
silenced-microphone = The teacher has muted your microphone.
silenced-camera = The teacher has switched your camera off.

# Partial live feed
feed-switch-on = Switch the live feed on
feed-switch-off = Switch the live feed off ({ $minutes } min so far)
feed-is-on = feed on, { $minutes } min
feed-is-off = feed off, { $minutes } min in all

# Chat
chat = Chat
chat-unread =
    { $count ->
        [0] Chat
       *[other] Chat ({ $count })
    }
chat-lines = Messages
chat-empty = No messages yet.
chat-message = Message
chat-send = Send

# Link
own-link = Link:
link-good = good
link-fair = fair
link-poor = poor
link-sound_only = sound only
link-still = still pictures
link-lost = lost
link-unknown = checking
reception = This computer's link
reception-waiting = Nothing comes yet
reception-waiting-hint = Sound and picture will appear by themselves. No need to press anything.
reception-sound_only = The link carries very little: sound only
reception-sound_only-hint = Sound matters most, so the picture waits. It will come back by itself.
reception-still = The link carries little: still pictures instead of motion
reception-still-hint = The sound comes whole, the picture changes every few seconds. Motion returns by itself when the link has room.
reception-smaller = The link carries little: a smaller picture
reception-smaller-hint = The sound comes whole. The picture gets sharper by itself when the link has room.
reception-smaller_sent = The teacher sends a smaller picture now
reception-smaller_sent-hint = Your link is not the reason. The sound comes whole.
reception-sender_short = The speaker’s link carries little: the picture is smaller
reception-sender_short-hint = Your link is not the reason. The sound comes whole.
reception-unsteady = The link is unsteady: some data is lost or late
reception-unsteady-hint = What is lost is sent again. If the sound breaks up, use a cable or close other programs.
reception-good = The link is good
reception-good-hint = Sound and picture come whole.
picture-height = { $height }p
picture-none = no picture
figure-picture = Picture now
figure-fps = { $fps } frames/s
figure-arrives = Arrives
figure-carries = The link carries about
figure-lost = Lost
rate-kbit = { $rate } kbit/s
rate-mbit = { $rate } Mbit/s
chart-soon = The chart appears in some seconds.
chart-estimate = link carries
chart-arrived = arrives
chart-loss = losses
chart-picture = picture
chart-words = In the last two minutes the link carried from { $least } to { $most }; { $arrives } arrives now. Picture: { $pictures }. At most { $lost } % was lost.
classes-suffer =
    { $count ->
        [one] { $count } class has a bad link
       *[other] { $count } classes have a bad link
    }
sees-lost = comes back by itself, the seat is kept
sees-sound_only = hears you, sees no picture
sees-still = sees still pictures
sees-height = sees { $height }p
sending-computer = The computer does not keep up: classes get a simpler picture. Close other programs and tabs.
sending-link = Your link carries little: classes get a smaller picture. The sound comes whole.
sending-uplink-off = Your link carries about { $rate } up: the large picture is not sent. The sound goes whole.
sending-uplink-less = Your link carries about { $rate } up: a smaller picture is sent. The sound goes whole.
sending-spared = The largest picture is not sent: nobody needs it now.
connection-lost = No connection to the server. Reconnecting, no need to press anything.
no-server = The server does not answer
no-server-hint = Check that the computer is connected to the network and try again.
sound-enable = Turn the sound on

# On the class's screen
stage-picture = Picture is on
stage-waiting = The lesson has not started yet
stage-waiting-hint = Picture and sound come by themselves when the teacher starts. No need to press anything.
stage-ended = The lesson has ended
stage-ended-hint = You can close this page.
stage-feed_off = The live feed is off
stage-feed_off-hint = Your own teacher gives the lesson. Switch the live feed on with the button below.
stage-no_connection = No connection to the server
stage-no_connection-hint = Reconnecting. Sound and picture come back by themselves.
stage-media_connecting = Connecting sound and picture
stage-media_connecting-hint = This usually takes a few seconds.
stage-sound_only = The link is poor: sound only
stage-sound_only-hint = The picture comes back by itself when the link is better.
stage-camera_off = The teacher's camera is off
stage-camera_off-hint = The sound is on.
stage-teacher_reconnecting = The teacher is reconnecting
stage-teacher_reconnecting-hint = Sound and picture come back by themselves.
stage-teacher_absent = The teacher is away now
stage-teacher_absent-hint = Stay in the lesson: the picture comes by itself when the teacher is back.
stage-teacher_starting = Waiting for the teacher's picture
stage-teacher_starting-hint = It comes by itself.

# Leaving, help, keys
leave = Leave
leave-title = Leave the lesson?
leave-text = You can come back by the same link.
full-screen = Full screen
help = Help
help-intro = The lesson runs by itself: if the connection breaks, the page reconnects.
key-talk-name = Space
key-talk = microphone while held
key-microphone-name = M
key-microphone = microphone
key-hand-name = H
key-hand = hand
key-full-screen-name = F
key-full-screen = full screen
key-help-name = ?
key-help = this help

# Why one may not enter: what it is and what to do
refused-no_link = A lesson link is needed here
refused-no_link-hint = Open the whole link that the teacher or the school sent you: it is long and has a # in it.
refused-unsupported = This browser cannot show the lesson
refused-unsupported-hint = Open the link in a recent Chrome, Edge, Firefox or Safari.
refused-bad_message = The page and the server did not understand each other
refused-bad_message-hint = Reload the page. If that does not help, tell the coordinator the code below.
refused-wrong_version = This page is out of date
refused-wrong_version-hint = Reload the page: the server has a new version.
refused-bad_token = The link is wrong
refused-bad_token-hint = Probably it was not copied whole. Ask for the link again.
refused-expired = The link has expired
refused-expired-hint = Ask the teacher or the school for a new link.
refused-revoked = The link was revoked
refused-revoked-hint = Ask the teacher or the school for a new link.
refused-ended = The lesson has ended
refused-ended-hint = You can close this page.
refused-locked = The lesson is locked
refused-locked-hint = Ask the teacher to unlock it and try again.
refused-removed = You were removed from the lesson
refused-removed-hint = If this is a mistake, contact the teacher.
refused-full = The lesson is full
refused-full-hint = Wait until somebody leaves and try again, or tell the coordinator.
refused-not_allowed = Your link does not allow this
refused-not_allowed-hint = Ask for a link for your role.
refused-no_such_participant = There is no such participant
refused-no_such_participant-hint = Join the lesson again.
refused-seat_taken = The lesson is already given from another computer
refused-seat_taken-hint = There is one teacher's seat. Close the lesson there and join again here.
refused-too_fast = Too many attempts
refused-too_fast-hint = Wait a minute and try again.
refused-bad_sdp = Browser and server could not agree on sound and picture
refused-bad_sdp-hint = Update the browser or open the link in another one.
refused-media_unavailable = The server cannot carry sound and picture just now
refused-media_unavailable-hint = Wait a minute and join again.
refused-taken_over = The lesson is open in another window
refused-taken_over-hint = Sound and picture are there. You can bring them back here.
refused-left = You have left the lesson
refused-left-hint = You can come back while the lesson is on.

# What did not work
error-unknown = That did not work. Try again; if it does not help, tell the coordinator the code { $code }.
error-connection_lost = No connection to the server. Try again when it is back.
error-bad_message = The server did not understand. Reload the page.
error-wrong_version = This page is out of date. Reload it.
error-bad_token = The link is wrong. Ask for it again.
error-expired = The link has expired. Ask for a new one.
error-revoked = The link was revoked. Ask for a new one.
error-ended = The lesson has already ended.
error-locked = The lesson is locked.
error-removed = You were removed from the lesson.
error-full = The lesson is full.
error-not_allowed = This cannot be done now.
error-no_such_participant = This participant has already left.
error-seat_taken = The teacher's seat is taken.
error-too_fast = Too often. Wait a little and try again.
error-bad_sdp = Browser and server could not agree on sound and picture. Update the browser.
error-media_unavailable = The server cannot carry sound and picture just now. Wait a minute.
error-not_signed_in = Sign in again: your session has expired.
error-sign_in_failed = Wrong name or password. Check the keyboard layout and try again.
error-bad_text = The text has characters that are not allowed, or is too short.
error-wrong_state = The lesson has ended and cannot be changed.
error-not_found = This lesson or link is gone. Reload the page.
error-archive_unavailable = Recordings cannot be read just now. Try again in a minute.

# Recordings of lessons
recordings = Recorded lessons
recordings-search = Find a recording
recordings-search-hint = Words of the lesson’s title, or the teacher’s name
recordings-none = Nothing was found. Try other words, or fewer.
recordings-empty = Recorded lessons will be here. The recording of a lesson you were invited to opens by the same link.
recordings-more = Show more
recording-recording = Being recorded
recording-finishing = Being saved
recording-open = Open to everybody
recording-player = Recorded lesson
recording-watch = Watch the recording
recording-watch-hint = The lesson can be watched from its beginning.
to-recordings = All recorded lessons
no-recording-not_found = This recording is not here
no-recording-not_found-hint = Perhaps it is not open to everybody. Open it by the link to the lesson that you were sent, or sign in.
no-recording-nothing = The lesson is over, but there was nothing to record
no-recording-nothing-hint = No sound came from the teacher, or recording was off.
no-recording-not_yet = The recording is just beginning
no-recording-not_yet-hint = It will appear here by itself in a few seconds.
no-recording-unsupported = This browser cannot play recordings
no-recording-unsupported-hint = Open the page in a new Chrome, Edge, Firefox or Safari.
no-recording-connection_lost = No connection to the server
no-recording-connection_lost-hint = Check that the computer is connected to the network, and try again.
no-recording-archive_unavailable = Recordings cannot be read just now
no-recording-archive_unavailable-hint = They are safe. Try again in a minute.
replay-begin = Watch
replay-go-on = Go on
replay-play = Watch
replay-pause = Pause
replay-back = Back { $seconds } seconds
replay-forth = Forward { $seconds } seconds
replay-mute = Mute
replay-speed = Speed
replay-quality = Quality
replay-quality-auto = automatic
replay-quality-auto-now = automatic ({ $height }p)
replay-quality-sound = sound only
replay-seek = Place in the recording
replay-place = { $at } of { $whole }
replay-controls = Controls of the recording
replay-to-start = To the beginning
replay-to-live = To live
replay-waiting = Loading the sound…
replay-live-edge = The lesson has not been recorded any further yet: wait a few seconds.
replay-sound = Sound only: the picture is switched off in “Quality”.
replay-no-picture = There was no picture here: only sound.
replay-picture-waits = The sound goes on, the picture is loading…
replay-connection_lost = No connection to the server. The recording will go on by itself.
replay-unplayable = The browser cannot play this recording. Open it in another browser.
replay-keys = Keys: space pauses, ← and → move by 10 seconds, ↑ and ↓ change the volume, M mutes, F fills the screen.

# Recording
recording-ready = Will be recorded
recording-running = Recording
recording-paused = Recording paused
recording-waits = The recording waits: the server cannot save it now. Tell whoever looks after the server.
recording-begin = Record the lesson
recording-pause = Pause recording
recording-go-on = Resume recording
recording-stop = Stop recording
class-not-recorded = class is not recorded
consent-title = Recording your class
consent-text = This lesson is recorded. When your class gets the floor, it can be recorded with the lesson, or be shown now only, without being recorded. Your class's own teacher decides.
consent-agree = Record us
consent-refuse = Do not record us
consent-given = Class is recorded
consent-not-given = Class is not recorded

# Link test
test-title = Link test
test-this-link = Test this computer's link
test-intro = For half a minute the server and this computer exchange a made-up picture and sound, as in a lesson. No camera or microphone is needed. Then the page says what a lesson will be like, and what could be better.
test-place = School or class, if you like
test-place-hint = The administrator sees the result under this name. No names of people, please.
test-advice = Test from the computer and at the hour of your lessons. Close other programs and tabs.
test-start = Test the link
test-stop = Stop
test-again = Test again
test-back = Back to the lesson
test-progress = Test
test-waiting = Others are testing at this moment. Your test begins by itself.
test-waiting-link = A test is under way in your school. Yours begins by itself when it has ended.
test-now-connecting = Connecting to the server…
test-now-up = Measuring what can be sent…
test-now-down = Measuring what can be received…
test-now-done = Done
test-chart-up = sent
test-chart-down = arrives
test-chart-words = Up to { $up } were sent, up to { $down } arrived.
test-receiving-no_media = Picture and sound do not get through
test-receiving-too_little = The link is too weak: the sound will break up
test-receiving-sound_only = The lesson will be heard, without a picture
test-receiving-small_picture = Sound and a small picture
test-receiving-smaller_picture = Good sound and a smaller picture
test-receiving-good = The lesson will be seen and heard well
test-sending-no_media = Picture and sound do not get out
test-sending-too_little = Answering will not work: your sound will break up
test-sending-sound_only = You will be heard, but not seen
test-sending-small_picture = You will be heard, and seen in a small picture
test-sending-smaller_picture = You will be heard well, and seen in a smaller picture
test-sending-good = You will be seen and heard well
test-teaching-no_media = Picture and sound do not get through
test-teaching-too_little = This link cannot carry your lesson
test-teaching-sound_only = Classes will hear you, but not see you
test-teaching-small_picture = Classes will hear you and see a small picture
test-teaching-smaller_picture = Classes will hear you and see a smaller picture
test-teaching-good = The link is ready: classes will see and hear you well
test-no-media-hint = The page has opened, but sound and picture got through neither by UDP nor by TCP. Most likely the school's firewall stops them.
test-next-no-media = Ask whoever looks after the school's network to open the server's ports for sound and picture (UDP and TCP), then test again.
test-next-good = Nothing needs to be changed.
test-next-weak = Connect the computer by cable, stop updates and other downloads, and test again. If it gets no better, show this result to the coordinator.
test-next-bad = Connect the computer by cable, take other computers and phones off the link, and test again. Show this result to the coordinator: a lesson needs another link.
test-note-tcp = The school's firewall blocks UDP, so everything goes by TCP. The lesson will work, but losses may cause delays: better to open UDP.
test-note-lossy = Some data is lost. A cable instead of Wi-Fi usually helps.
test-note-bloated = When the link is full, data waits in a queue. Start no downloads or updates during a lesson.
test-note-far = Data takes long, as by satellite: a conversation will have a noticeable delay.
test-note-unsteady = Data arrives unevenly. A cable instead of Wi-Fi usually helps.
test-figure-down = Arrives
test-figure-up = Sent
test-figure-loss-down = Lost on the way here
test-figure-loss-up = Lost on the way from here
test-figure-rtt = Delay there and back
test-figure-queue = Queue in a full link
test-figure-jitter = Unevenness of arrival
test-figure-transport = How it gets through
percent = { $value }%
milliseconds = { $value } ms
rate-or-more = { $rate } or more
test-refused = There was no test
test-trouble-bad_message = The page and the server did not understand each other. Reload the page.
test-trouble-wrong_version = The server has a new version. Reload the page.
test-trouble-bad_token = The lesson's link is wrong. Open it once more, in full.
test-trouble-expired = The lesson's link has expired. Open a new one.
test-trouble-revoked = The lesson's link was revoked. Ask for a new one.
test-trouble-too_fast = There were too many tests from here. Wait ten minutes.
test-trouble-busy = The server is busy with lessons or other tests. Try again in some minutes.
test-trouble-lesson_on_link = A lesson goes on in your school, and a test would disturb it. Test after the lesson.
test-trouble-bad_sdp = The browser and the server could not agree on sound and picture. Open the page in another browser.
test-trouble-media_unavailable = The server cannot carry sound and picture yet. Try again in a minute.
test-trouble-connection_lost = The connection to the server broke during the test. Check that the computer is connected to the network.
tests-title = Links of the schools
tests-hint = Results of the last 30 days. Who needs help comes first.
tests-empty = No tests yet. Send the schools the link of a lesson: its page has “Test this computer's link”.
tests-unnamed = Unnamed ({ $link })
tests-own-network = the server's network
tests-more = More
tests-history = Earlier tests
tests-receives = Receives: { $what }
tests-sends = Sends: { $what }
verdict-no_media = nothing gets through
verdict-too_little = sound that breaks up
verdict-sound_only = sound only
verdict-small_picture = sound and a small picture
verdict-smaller_picture = good sound and a smaller picture
verdict-good = seen and heard well
