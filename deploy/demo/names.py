"""The first names and surnames of which the demo's people are made up, as they go in the UK.

A list of the demo's own: the connector's tables belong to a scheme, and the sample to none.
"""

from typing import Final

_BORN_FROM_1940: Final = """
Alan Albert Amarjit Ann Arthur Barbara Barry Brenda Brian Christine Colin Dennis Derek Doreen
Dorothy Edith Eileen Frank Geoffrey George Gerald Harold Hazel Iris Jean Joan John Joyce Kathleen
Kenneth Leonard Margaret Maureen Mohammed Norman Patricia Pauline Peter Raymond Roger Ronald
Rosemary Sheila Stanislaw Stanley Sylvia Terence Valerie Vera Veronica Walter
"""
_BORN_FROM_1965: Final = """
Abdul Alison Amanda Andrew Angela Anthony Balbir Beverley Carl Caroline Christopher Claire Craig
Darren David Dawn Deborah Donna Elaine Emma Errol Fiona Gary Gillian Graham Helen Ian Jacqueline
Jason Joanne Julie Karen Keith Kevin Kulwinder Lee Lisa Lorraine Marcus Mark Martin Michelle
Nasreen Neil Nicola Nigel Paula Philip Rachel Rajesh Robert Sandra Sean Sharon Shaun Simon Stephen
Stuart Susan Tracey Vincent Wayne Wendy Yvonne
"""
_BORN_FROM_1985: Final = """
Aaron Abigail Adam Adebayo Aisha Alexander Alice Amelia Amina Anna Ashraf Bethany Bradley Callum
Catherine Charlotte Chloe Connor Daniel Danielle Dominik Elizabeth Ella Emily Ethan Ewa Fatima
Georgia Grace Gurpreet Hamza Hannah Harriet Harry Imran Jack Jade Jake Jasmine Jordan Joseph
Joshua Katarzyna Kayleigh Kieran Kwame Lauren Liam Lucy Luke Mateusz Megan Michael Mohammed Molly
Natalie Nathan Nikhil Oliver Olivia Paige Ravi Rebecca Rhys Ruth Ryan Samuel Sanjay Sasha Shannon
Sophie Thomas Tomasz Victoria Yasmin Zainab Zoe
"""
_SURNAMES: Final = """
Abbott Acheampong Ahmed Ainsworth Akhtar Ali Allsop Anderson Andrews Appleby Archer Armitage
Ashworth Atkinson Bagshaw Bailey Bains Bamford Barlow Barnes Batty Beckett Begum Bell Bennett
Beresford Bhatti Birch Blackburn Bolton Booth Bradshaw Bramley Briggs Broadbent Brooks Burgess
Butterworth Campbell Carrington Chadwick Chan Chaudhry Clarke Clegg Connolly Cooper Cosgrove
Crabtree Crawford Cunningham Dalby Davies Dhillon Donnelly Doyle Drinkwater Duffy Eastwood Edwards
Ellison Evans Fairclough Farooq Fielding Finch Fitzgerald Fletcher Foster Gallagher Garside Gill
Goddard Graham Greenwood Griffiths Hadfield Halliwell Hardcastle Hargreaves Harrison Hawkins
Heaton Henderson Higgins Hinchliffe Hodgson Holloway Howarth Hussain Iqbal Jackson Jamieson Jarvis
Johnson Kaur Kavanagh Kelly Kershaw Khan Kowalski Lam Langley Lawton Leach Lewandowska Lindley
Lomax MacDonald Mahmood Marsden McCarthy McGrath McKenna Mensah Middleton Mistry Moorhouse Morgan
Murphy Naylor Nguyen Nowak Nuttall O'Brien O'Neill Oakley Ogden Okafor Oldham Osborne Owusu
Parkinson Patel Pemberton Pickering Platt Pritchard Quinn Rahman Ramsden Rawlinson Redfern Rigby
Robertson Rowbotham Ryan Sandhu Schofield Shah Shaw Sheridan Siddiqui Singh Smith Stanworth Stott
Sutcliffe Sykes Tattersall Taylor Thackray Thomas Tomlinson Turner Unsworth Vaughan Wadsworth
Walker Walsh Warburton Whitehead Wilkinson Williams Wojcik Wong Woodhouse Wright Yates Zielinski
"""

FORENAMES: Final = (
    (1940, tuple(_BORN_FROM_1940.split())),
    (1965, tuple(_BORN_FROM_1965.split())),
    (1985, tuple(_BORN_FROM_1985.split())),
)
"""From which year of birth on, and the first names given then."""

SURNAMES: Final = tuple(_SURNAMES.split())
