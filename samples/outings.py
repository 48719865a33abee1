"""What the synthetic albums are about: outings of six scenes, each with forms of captions and of story sentences.

A caption says what the picture shows; a story sentence tells it as somebody who was there. Slots: `{colour}`, `{count}`,
`{who}` (in captions: a woman) and `{them}` (in stories, the same person: Mom).
"""

from typing import NamedTuple

COLOURS = ("red", "blue", "green", "yellow", "purple", "white", "pink", "brown")
COUNTS = ("two", "three", "four", "five")
PEOPLE = (
    ("a woman", "Mom"),
    ("a man", "Dad"),
    ("a boy", "my brother"),
    ("a girl", "my sister"),
    ("an older man", "Grandpa"),
    ("an older woman", "Grandma"),
    ("a teenager", "our cousin"),
    ("a toddler", "the little one"),
)


class Scene(NamedTuple):
    """`motifs` are what `pictures` draws in front of the outing's backdrop."""

    motifs: tuple[str, ...]
    captions: tuple[str, str, str]
    stories: tuple[str, str, str, str]


class Outing(NamedTuple):
    title: str
    backdrop: str
    scenes: tuple[Scene, ...]


def scene(motifs: str, captions: str, stories: str) -> Scene:
    first, second, third = (line.strip() for line in captions.strip().split("|"))
    one, two, three, four = (line.strip() for line in stories.strip().split("|"))
    return Scene(tuple(motifs.split()), (first, second, third), (one, two, three, four))


OUTINGS = (
    Outing("a day at the sea", "beach", (
        scene("kite person", "a {colour} kite is flying above the beach | {who} is holding the string of a {colour} kite | a kite high over the sand",
              "{them} got the {colour} kite up on the very first try. | We flew the kite until the wind gave out. | The {colour} kite climbed higher than any of us had hoped. | Nobody wanted to be the one to bring the kite down."),
        scene("castle", "a sand castle with {count} towers | {who} is digging beside a sand castle | a big sand castle near the water",
              "{them} built a castle with {count} towers and a moat. | We guarded our castle from the waves all afternoon. | By four o'clock the castle had {count} towers and a king. | It hurt a little to watch the tide take our castle."),
        scene("boat", "a {colour} boat on the water | {count} people are sitting in a {colour} boat | a small boat far out on the sea",
              "{them} talked a fisherman into taking us out in his {colour} boat. | The boat ride was bumpy and we loved all of it. | From the {colour} boat our umbrella looked tiny. | I still feel the boat rocking when I close my eyes."),
        scene("umbrella person", "a {colour} umbrella stands in the sand | {who} is lying under a {colour} umbrella | a beach umbrella and a towel",
              "{them} slept under the {colour} umbrella for most of the day. | We found our {colour} umbrella again after a long search. | The shade of the umbrella was the best seat on the beach. | Somebody had to stay by the umbrella, and {them} was happy to."),
        scene("dog", "a {colour} dog runs along the water | {who} throws a stick for a dog | a wet dog on the beach",
              "A {colour} dog we had never met became our best friend. | {them} threw that stick a hundred times and the dog never got tired. | The dog shook itself dry right next to our lunch. | We all asked if we could take the dog home."),
        scene("sunset", "the sun is setting over the sea | {who} is watching the sunset | an evening sky with the sun low above the water",
              "The sunset made everybody quiet for once. | {them} said it was the best sunset of the whole summer. | We stayed until the sun was gone and the sand was cold. | That sky was the perfect end of the day."),
    )),
    Outing("a birthday", "room", (
        scene("cake", "a {colour} cake with {count} candles | {who} is blowing out {count} candles | a birthday cake stands on the table",
              "{them} blew out all {count} candles and would not tell us the wish. | The {colour} cake took me the whole night and was gone in minutes. | We sang much too loud when the cake came in. | Everybody fought for the corner of the cake with the most icing."),
        scene("balloon", "{count} {colour} balloons hang on the wall | {who} is holding a {colour} balloon | balloons in a living room",
              "{them} was out of breath after blowing up {count} balloons. | One {colour} balloon got away and stayed under the ceiling all day. | The room was full of balloons before the first guest came. | The balloons scared the cat and made all of us laugh."),
        scene("gift", "a present wrapped in {colour} paper | {who} is opening a present | {count} presents on the floor",
              "{them} tore the {colour} paper off in two seconds. | The smallest present turned out to be the best one. | We had hidden the presents so well that we almost forgot one. | I will not forget the look on that face when the present was opened."),
        scene("person person", "{count} people are dancing in a room | {who} is dancing with arms in the air | guests dance at a party",
              "{them} showed us how they used to dance. | Once the music was on nobody stayed on the sofa. | We danced until the neighbours knocked, and then they danced as well. | I had no idea that {them} could dance like that."),
        scene("hat person", "{who} is wearing a {colour} paper hat | {count} people with party hats | a {colour} party hat",
              "{them} refused to take the {colour} hat off, even for dinner. | Everyone had to wear a hat, no excuses. | The hats were silly and that was the point. | We look ridiculous in our hats and very happy."),
        scene("table", "a table full of food | {who} is putting plates on a table | plates and glasses on a table with a {colour} cloth",
              "{them} had cooked for {count} days. | There was so much food that we ate it for the rest of the week. | The table looked almost too good to touch. | We squeezed {count} more chairs around the table and it worked."),
    )),
    Outing("a hike", "mountain", (
        scene("sign person", "{who} is reading a wooden sign | a sign with {count} arrows beside a path | a wooden sign at the start of a trail",
              "{them} was sure that we did not need the map. | The sign said {count} hours and it lied. | We argued at the sign and then took the longer way. | Our adventure started at this old sign."),
        scene("tree", "tall trees beside a path | {who} is walking between trees | a forest path with {colour} leaves",
              "The forest was so quiet that we began to whisper. | {them} knew the name of every single tree. | It smelled of rain under the trees. | We lost {them} between the trees for a whole minute."),
        scene("bridge person", "a wooden bridge over a stream | {who} is standing on a small bridge | a bridge with a {colour} rail",
              "{them} made the bridge swing on purpose. | The bridge shook under us and we pretended not to mind. | We dropped sticks from one side of the bridge and raced to the other. | Crossing that bridge took more courage than the whole climb."),
        scene("waterfall", "a waterfall between rocks | {who} is standing in front of a waterfall | water falls from a high cliff",
              "The waterfall was worth every step. | {them} stood so close to the waterfall that we had to wring out the jacket. | We heard the waterfall long before we saw it. | Nobody could hear a word next to the waterfall, so we just smiled."),
        scene("tent", "a {colour} tent on the grass | {who} is putting up a {colour} tent | {count} tents below a mountain",
              "{them} put the {colour} tent up in the dark, and it showed. | The tent was meant for two and we were {count}. | We fell asleep in the tent before anyone could tell a ghost story. | I have never slept as well as in that {colour} tent."),
        scene("flag person", "{who} is standing on the top of a mountain | {count} hikers at a summit with a {colour} flag | a view from a mountain",
              "We made it to the top, all {count} of us. | {them} cried a little at the top and blamed the wind. | The view was so wide that we forgot our tired legs. | From up here home looked like a toy."),
    )),
    Outing("a winter day", "snow", (
        scene("snowman", "a snowman with a {colour} scarf | {who} is building a snowman | a snowman stands in a garden",
              "{them} gave the snowman the {colour} scarf and froze instead. | Our snowman leaned a bit but he had character. | We named the snowman and said goodnight to him. | It took {count} of us to lift the snowman's head."),
        scene("sled person", "{who} is sitting on a {colour} sled | a {colour} sled on a hill | {count} children with sleds",
              "{them} went down the hill on the {colour} sled again and again. | The sled was faster than we remembered. | We fell off the sled and could not stop laughing. | Walking the sled back up was the price, and we paid it gladly."),
        scene("house", "a {colour} house covered in snow | smoke over the roof of a {colour} house | {who} is shovelling snow in front of a house",
              "{them} cleared the path and the snow came right back. | The {colour} house looked like a cake with sugar on top. | We could not wait to get back into the warm house. | Every window of the house was glowing when we came home."),
        scene("bird", "a {colour} bird sits on a branch | {who} is feeding {count} birds | a small bird in the snow",
              "{them} kept so still that a {colour} bird came right up to us. | The birds ate everything that we had brought. | This little bird was the bravest of them all. | We counted {count} birds and then lost count."),
        scene("person lake", "{who} is skating on a frozen lake | {count} people skate on the ice | skates on a lake",
              "{them} fell {count} times and got up {count} times. | The ice sang under our skates. | We held hands on the ice so that we would all fall together. | I was afraid of the ice until {them} took my hand."),
        scene("cup", "a {colour} cup of hot chocolate | {who} is holding a {colour} cup | {count} cups on a wooden table",
              "The hot chocolate brought our fingers back to life. | {them} drank {count} cups and asked for more. | Nothing ever tasted as good as that {colour} cup of chocolate. | We sat around our cups until our socks were dry."),
    )),
    Outing("a street fair", "street", (
        scene("drum person", "{who} is playing a {colour} drum | {count} drummers on a street | a man with a drum in a parade",
              "We could feel the drums in our bellies. | {them} marched behind the drummers for the whole street. | The drums woke up everybody who was still asleep. | {them} got to hit the {colour} drum once and talked about it all day."),
        scene("guitar person", "{who} is playing a {colour} guitar | a musician with a guitar sits on a chair | people listen to a guitar player",
              "{them} knew every word of the songs. | The guitar player took our wish and played it twice. | We forgot the time in front of that guitar. | The song was sad and somehow it made all of us happy."),
        scene("stall", "a market stall with a {colour} roof | {who} is selling fruit at a stall | {count} stalls on a square",
              "{them} tasted something at every stall. | We left the stall with {count} bags and no money. | The old lady at the {colour} stall gave us cherries for free. | It was the stall with the longest line, and now we know why."),
        scene("balloon person", "{who} is carrying {count} balloons | a {colour} balloon above a crowd | a balloon seller on a street",
              "{them} picked the {colour} balloon after a long think. | The balloon flew off and there were some tears. | We could always find {them} by the {colour} balloon. | {count} balloons and only one very happy child."),
        scene("bike", "a {colour} bike with flowers | {who} is riding a {colour} bike | {count} bikes lean on a wall",
              "{them} wanted exactly this {colour} bike. | Somebody had dressed up the bike for the fair. | The bike parade was slow, loud and wonderful. | I think the {colour} bike should have won first prize."),
        scene("fireworks", "{colour} fireworks in the night sky | fireworks over a town | {who} is looking up at the fireworks",
              "The fireworks were beautiful, the {colour} ones most of all. | {them} held both ears and did not look away once. | We said oh and ah like everyone else. | The last firework was so big that the whole street went quiet."),
    )),
    Outing("a day at the zoo", "park", (
        scene("elephant", "an elephant behind a fence | {who} is looking at an elephant | {count} elephants near the water",
              "The elephant looked at us as if it knew us. | {them} had waited all year to see the elephants. | We stayed with the elephants for an hour and it felt like a minute. | One of the elephants sprayed us and we deserved it."),
        scene("giraffe", "a giraffe eats from a tree | {who} is feeding a giraffe | {count} giraffes in the grass",
              "{them} could not believe how long that tongue was. | The giraffe ate right out of our hands. | We all felt very short next to the giraffe. | The giraffe bent down just to say hello to {them}."),
        scene("fish", "a {colour} fish behind glass | {who} is standing at an aquarium | {count} {colour} fish in the water",
              "{them} pressed a nose against the glass and made a new friend. | The {colour} fish followed us from window to window. | It was dark and calm with the fish, just what we needed. | We named all {count} fish and mixed them up at once."),
        scene("bird tree", "a {colour} parrot on a branch | {who} has a parrot on one arm | {count} {colour} birds in a cage",
              "The {colour} parrot said hello and then something rude. | {them} held very still when the parrot landed. | That parrot had more to say than all of us. | We taught the parrot a new word and ran."),
        scene("ice", "{who} is eating a {colour} ice cream | an ice cream in a hand | {count} people with ice cream on a bench",
              "{them} dropped the first ice cream and got a bigger one. | The ice cream melted faster than we could eat. | No zoo without ice cream, that is the rule. | {them} chose {colour} ice cream because of the colour alone."),
        scene("train person", "a small {colour} train in a park | {who} is riding a little train | a toy train with {count} cars",
              "We took the little train because nobody could walk any more. | {them} waved from the {colour} train like a king. | The train went around twice and we stayed for a third time. | It was the slowest train in the world and we loved it."),
    )),
    Outing("a garden day", "garden", (
        scene("flower", "{count} {colour} flowers in a garden | {who} is watering {colour} flowers | a flower bed beside a path",
              "{them} planted these {colour} flowers in the spring and forgot about them. | The flowers had waited for us to come home. | We picked {count} flowers and left the rest for the bees. | The whole garden smelled of summer."),
        scene("dog house", "a {colour} dog lies in front of a house | {who} is washing a dog | a dog on the grass",
              "The dog guarded the door and slept through everything. | {them} got much wetter than the dog did. | Our {colour} dog thinks that this is his garden. | We washed the dog and he rolled in the mud right after."),
        scene("ball person", "{who} is kicking a {colour} ball | a {colour} ball on the grass | {count} children play with a ball",
              "{them} scored {count} goals and counted every one out loud. | The ball went over the hedge, as it always does. | We played until nobody could see the {colour} ball any more. | Even {them} came out of the house to play."),
        scene("fire", "a fire in a ring of stones | {who} is roasting something over a fire | {count} people sit around a fire",
              "{them} told the same story by the fire as every year, and we listened. | The fire kept us outside long after midnight. | We burned {count} marshmallows and ate them anyway. | Everything tastes better from the fire."),
        scene("tree person", "{who} is climbing a tree | an apple tree with {colour} apples | a ladder stands at a tree",
              "{them} was the first one up the tree and the last one down. | The old tree gave us {count} baskets of apples. | We have known this tree longer than we can remember. | Somebody had to hold the ladder, and {them} did."),
        scene("bike person", "{who} is learning to ride a {colour} bike | a {colour} bike lies on the grass | a child on a bike in a garden",
              "{them} let go and did not even notice. | After {count} falls the {colour} bike finally went straight. | We ran beside the bike until we had no breath left. | The smile on that {colour} bike was worth every bruise."),
    )),
    Outing("a trip by car", "road", (
        scene("car", "a {colour} car on a road | {who} is loading a {colour} car | {count} bags beside a car",
              "{them} packed the car as if we would never come back. | The {colour} car was full before the last bag came. | We left at five and nobody spoke before six. | Our {colour} car made it, against all odds."),
        scene("sign", "a {colour} sign beside a road | {who} is pointing at a sign | a road sign with a number on it",
              "We missed the sign and found the best cafe of the trip. | {them} read every sign out loud, for {count} hours. | The sign said that we were almost there, and we cheered. | Nobody believed {them} that this sign pointed the wrong way."),
        scene("table person", "{who} is eating at a roadside table | a picnic table with {count} sandwiches | a table under a {colour} umbrella",
              "{them} unpacked {count} sandwiches and shared every one. | We stopped for ten minutes and stayed for two hours. | The picnic was the part that everyone still talks about. | Nothing but bread and cheese, and it was perfect."),
        scene("lake", "a lake below {colour} hills | {who} is standing at a lake | a quiet lake in the morning",
              "We turned a corner and there was the lake. | {them} jumped in before the car had stopped. | The lake was so clear that we could count the stones. | We had the whole lake to ourselves."),
        scene("house person", "a {colour} house beside a road | {who} is waving from the door of a {colour} house | an old house with {count} windows",
              "{them} was waving before we had even parked. | The {colour} house looked just as in the old pictures. | We had not been in this house for {count} years. | Dinner was ready when we came to the {colour} house, of course."),
        scene("sunset car", "the sun sets behind a road | a {colour} car in the evening light | {who} is sitting on a car and watching the sun go down",
              "We pulled over just to watch the sun go down. | {them} turned the music off, and that said everything. | The last light made even our {colour} car look good. | It was a long way home and none of us minded."),
    )),
)  # fmt: skip
